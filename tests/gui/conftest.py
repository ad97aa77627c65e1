"""Fixtures of the window's tests: a window on a session without a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("pytestqt")

from fake_session import FakeSession
from PyQt6.QtWidgets import QApplication

from dexgen_app.gui.app import Application, open_window, show_window
from dexgen_app.gui.window import MainWindow
from dexgen_app.live.protocol import SessionConfig
from dexgen_app.plugins import PluginRegistry


@pytest.fixture(scope="session")
def registry() -> PluginRegistry:
    """The built-in plugins."""
    return PluginRegistry.load(safe_mode=True)


@pytest.fixture
def open_application(
    qapp: QApplication, registry: PluginRegistry
) -> Iterator[Callable[..., Application]]:
    """Open windows; they are closed at the end."""
    opened: list[Application] = []

    def make(plugins: PluginRegistry | None = None, **options: object) -> Application:
        known = plugins or registry
        config = options.pop("config", SessionConfig())
        application = open_window(
            qapp,
            config,  # type: ignore[arg-type]
            factory=lambda c: FakeSession(c, known.find_hand(c.hand)),
            registry=known,
            **options,  # type: ignore[arg-type]
        )
        opened.append(application)
        application.window.resize(1280, 800)
        show_window(application)
        return application

    FakeSession.made.clear()
    yield make
    for application in opened:
        application.shut_down()
        application.window.deleteLater()
    qapp.processEvents()


@pytest.fixture
def window(open_application: Callable[..., Application], qtbot: object) -> MainWindow:
    """A window, shown and active, not connected."""
    made = open_application().window
    with qtbot.waitActive(made):  # type: ignore[attr-defined]
        made.activateWindow()
    return made


@pytest.fixture
def session(window: MainWindow, qtbot: object) -> FakeSession:
    """The session of ``window``, connected."""
    window.operator.connect_hand()
    qtbot.waitUntil(lambda: window.bridge.state.name == "CONNECTED")  # type: ignore[attr-defined]
    return FakeSession.made[-1]
