"""Starts the window: hooks first, then Qt, plugins, the window, and last the worker."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PyQt6.QtCore import QLockFile, QSize, QTimer
from PyQt6.QtWidgets import QApplication

from dexgen_app.errors import UnknownIdError
from dexgen_app.gui import crash, theme
from dexgen_app.gui.controller_choice import suggest
from dexgen_app.gui.dialogs import is_dark
from dexgen_app.gui.garbage import GarbageCollector, freeze
from dexgen_app.gui.instance import InstanceError, claim
from dexgen_app.gui.keys import KeyGuard
from dexgen_app.gui.operator import Operator
from dexgen_app.gui.panels.log import LogBridge
from dexgen_app.gui.session import Session, SessionBridge, SessionFactory
from dexgen_app.gui.window import MainWindow
from dexgen_app.live.protocol import SessionConfig
from dexgen_app.plugins import PluginRegistry
from dexgen_app.settings import Settings, load_settings

log = logging.getLogger("dexgen_app.gui")
EXIT_SECOND_INSTANCE = 3
_FRAME = QSize(8, 44)


@dataclass
class Application:
    """Everything that must live as long as the window.

    Attributes:
        qt: The Qt application.
        window: The window.
        log_bridge: The logging handler that feeds the log panel.
        garbage: Collects unreachable objects in this thread.
        lock: The claim on the application home; None if read-only.
    """

    qt: QApplication
    window: MainWindow
    log_bridge: LogBridge
    garbage: GarbageCollector
    lock: QLockFile | None = None

    def shut_down(self) -> None:
        """Close the window, end the worker and give back what the process was given."""
        self.window.close()
        self.window.keys.remove(self.qt)
        logging.getLogger().removeHandler(self.log_bridge)
        self.garbage.stop()
        if self.lock is not None:
            self.lock.unlock()


def config_from_settings(settings: Settings) -> SessionConfig:
    """Return the session that the person used last."""
    return SessionConfig(
        hand=settings.hand,
        driver=settings.driver,
        engine=settings.engine,
        device=settings.device,
        controller=settings.controller,
        profile=settings.profile,
        human_side=settings.human_side,
    )


def qt_application(offscreen: bool = False) -> QApplication:
    """Return the Qt application, made if there is none.

    Args:
        offscreen: Draw into memory only, for a machine without a display.
    """
    if offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    known = QApplication.instance()
    if isinstance(known, QApplication):
        return known
    app = QApplication(sys.argv[:1])
    app.setApplicationName("dexgen-app")
    return app


def open_window(
    qt: QApplication,
    config: SessionConfig | None = None,
    *,
    settings: Settings | None = None,
    factory: SessionFactory | None = None,
    registry: PluginRegistry | None = None,
    read_only: bool = False,
    remember: bool = True,
    dark: bool | None = None,
) -> Application:
    """Build the window, not shown yet and without a worker.

    Args:
        qt: The Qt application.
        config: The session; None means the one that was used last.
        settings: The user's settings; None reads them.
        factory: Makes the session; None means the real one with its worker.
        registry: The plugins; None loads them.
        read_only: Review only.
        remember: Whether choices are written into the settings.
        dark: Theme; None means that of the settings.
    """
    settings = settings or load_settings()
    theme.apply(
        qt,
        dark=is_dark(settings.theme) if dark is None else dark,
        point_size=settings.text_size,
    )
    bridge_to_log = LogBridge()
    logging.getLogger().addHandler(bridge_to_log)
    config = config or config_from_settings(settings)
    registry = registry or PluginRegistry.load(config.safe_mode, config.disabled)
    config = _known(config, registry)
    keys = KeyGuard()
    keys.install(qt)
    session = SessionBridge(factory or _live_session(registry))
    operator = Operator(session, registry, keys, config, remember=remember and not read_only)
    window = MainWindow(operator, settings, read_only=read_only, remember=remember)
    session.setParent(window)
    bridge_to_log.source.record_made.connect(window.log.add_own)
    return Application(qt, window, bridge_to_log, GarbageCollector(window))


def _known(config: SessionConfig, registry: PluginRegistry) -> SessionConfig:
    """Replace what an uninstalled plugin offered by something that is there."""
    changes: dict[str, str] = {}
    try:
        registry.find_hand(config.hand)
    except UnknownIdError as error:
        log.warning("%s", error)
        changes["hand"] = next(iter(registry.hands), config.hand)
    devices = registry.teleop_devices
    if config.device.partition(":")[0] not in devices and devices:
        log.warning("the device %s is not installed; another one is chosen", config.device)
        changes["device"] = "sliders" if "sliders" in devices else next(iter(devices))
    if config.controller not in registry.controllers and registry.hands:
        if config.controller:
            log.warning("the controller %s is not installed", config.controller)
        hand = registry.find_hand(changes.get("hand", config.hand))
        changes["controller"] = suggest(registry, hand)
    return replace(config, **changes)  # type: ignore[arg-type]


def show_window(application: Application, *, arrange: bool = True) -> None:
    """Show the window where it was, its docks as they were left."""
    window = application.window
    if arrange:
        placed = window.docks.restore_geometry()
        screen = window.screen()
        if not placed and screen is not None:
            room = screen.availableGeometry()
            # The window manager's frame needs room too.
            window.resize(
                min(1600, room.width() - _FRAME.width()),
                min(1000, room.height() - _FRAME.height()),
            )
            window.move(room.topLeft())
    window.show()
    if arrange:
        window.docks.restore()
    else:
        window.docks.reset("teleop")
    window.session_view.show_config(window.operator.config)
    window.registry.notify("on_app_ready", app=window.context)


def run_window(
    config: SessionConfig | None = None,
    review: Path | None = None,
    *,
    offscreen: bool = False,
    read_only: bool = False,
    connect: bool | None = None,
    remember: bool = True,
    after_start: Callable[[Application], None] | None = None,
) -> int:
    """Open the window and run until it is closed.

    Args:
        config: The session; None means the one that was used last.
        review: A recording to open at once.
        offscreen: Draw into memory only.
        read_only: Review only, beside another window.
        connect: Whether to connect at the start; None means a simulated hand, if the settings
            say so.
        remember: Whether choices and the layout are kept for the next start.
        after_start: Called with the application once the window is shown.

    Returns:
        The exit status.
    """
    begun = time.monotonic()
    qt = qt_application(offscreen)
    lock: QLockFile | None = None
    if not read_only:
        try:
            lock = claim()
        except InstanceError as error:
            print(f"dexgen-app: {error}", file=sys.stderr)
            return EXIT_SECOND_INSTANCE
    crash.install()
    application = open_window(qt, config, read_only=read_only, remember=remember)
    application.lock = lock
    window = application.window
    show_window(application, arrange=remember)
    _let_signals_in(qt)
    freeze()
    log.info("window shown after %.1f s", time.monotonic() - begun)
    settings = window.settings
    alone = not (offscreen or read_only or review or after_start)
    if settings.show_hint and alone:
        window.show_hint()
    wanted = settings.auto_connect and window.operator.simulated if connect is None else connect
    if wanted and not read_only:
        QTimer.singleShot(50, window.operator.connect_hand)
    if review is not None:
        QTimer.singleShot(100, lambda: window.open_review(review))
    if after_start is not None:
        QTimer.singleShot(0, lambda: after_start(application))
    try:
        return qt.exec()
    finally:
        application.shut_down()


def _live_session(registry: PluginRegistry) -> SessionFactory:
    """Return a factory of real sessions that need not look the hand up again."""

    def make(config: SessionConfig) -> Session:
        from dexgen_app.live.client import LiveSession

        return LiveSession(config, hand=registry.find_hand(config.hand))

    return make


def _let_signals_in(qt: QApplication) -> None:
    """Let Ctrl-C and a termination signal close the window: Python must get a turn now and then."""

    def end(_number: int, _frame: object) -> None:
        for window in qt.topLevelWidgets():
            window.close()
        qt.quit()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    timer = QTimer(qt)
    timer.timeout.connect(_nothing)
    timer.start(200)


def _nothing() -> None:
    """Give Python a turn."""
