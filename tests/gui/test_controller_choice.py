from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fake_session import FakeSession
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QToolButton

from dexgen_app.gui.app import config_from_settings
from dexgen_app.gui.window import MainWindow
from dexgen_app.live import protocol as p
from dexgen_app.live.row import SessionState
from dexgen_app.plugins import PluginRegistry
from dexgen_app.settings import Settings
from dexgen_app.spec import ControllerSpec, HandSpec, ParameterSpec

GUIDED = ControllerSpec(
    id="guided",
    title="Guided",
    factory="x:y",
    parameters=(
        ParameterSpec(name="active", title="Guided", default="on", choices=("on", "off")),
        ParameterSpec(name="pull", title="Pull", default=100.0, lower=0.0, upper=200.0),
        ParameterSpec(name="mode", title="Mode", default="spin", choices=("spin", "hold")),
        ParameterSpec(name="fine", title="Fine", default=0.5, advanced=True),
        ParameterSpec(
            name="care", title="Care", default="on", choices=("on", "off"), advanced=True
        ),
    ),
    ready="test_controller_choice:ready",
    preferred=True,
    try_first="Throw it away",
)
problems: dict[str, str] = {}


def ready(hand: HandSpec) -> str:
    return problems.get(hand.id, "")


@pytest.fixture
def plugins(registry: PluginRegistry) -> Iterator[PluginRegistry]:
    """The built-in plugins and a controller with a switch, a dial and modes."""
    made = PluginRegistry()
    made.__dict__.update(registry.__dict__)
    made.controllers = {**registry.controllers, "guided": GUIDED}
    made.controllers.pop("dexgen", None)
    problems.clear()
    yield made
    problems.clear()


@pytest.fixture
def window(open_application, plugins: PluginRegistry, qtbot) -> MainWindow:
    """A window of somebody who has chosen no controller."""
    made = open_application(plugins, config=config_from_settings(Settings())).window
    with qtbot.waitActive(made):
        made.activateWindow()
    return made


def test_a_newcomer_gets_the_preferred_controller_and_is_told_what_to_try(
    window: MainWindow, qtbot
) -> None:
    assert window.operator.config.controller == "guided"
    window.show_hint()
    texts = [label.text() for label in window.hint.findChildren(QLabel)]
    assert {"Meet Guided", "Throw it away"} < set(texts)
    assert any(text.startswith("Ctrl+G switches Guided off") for text in texts)
    window.operator.connect_hand()
    qtbot.waitUntil(lambda: window.bridge.state == SessionState.CONNECTED)
    window.toggle_arm()
    qtbot.waitUntil(lambda: window.bridge.armed)
    assert "switch" not in window.hint._done
    FakeSession.made[-1].say(p.ControllerStatus(controller="guided", parameters={"active": "off"}))
    qtbot.waitUntil(lambda: "switch" in window.hint._done)


def test_what_the_controller_remarks_is_shown_while_it_moves_the_hand(
    window: MainWindow, qtbot
) -> None:
    window.operator.connect_hand()
    qtbot.waitUntil(lambda: window.bridge.state == SessionState.CONNECTED)
    session, shown = FakeSession.made[-1], window.parameters.findChild(QLabel, "remark")
    session.say(p.ControllerStatus(controller="guided", remark="It waits."))
    qtbot.waitUntil(lambda: window.session_view._remark == "It waits.")
    assert shown.text() == ""
    window.session_view.show_state(SessionState.ACTIVE, "")
    assert shown.text() == "It waits."
    window.session_view.show_state(SessionState.ARMED, "")
    assert shown.text() == ""


def test_without_weights_the_plain_controller_is_taken(open_application, plugins) -> None:
    hand = plugins.find_hand(Settings().hand)
    problems[hand.id] = "Guided cannot run: no weights."
    window = open_application(plugins, config=config_from_settings(Settings())).window
    assert window.operator.config.controller == "direct"
    window.operator.choose_controller("guided")
    assert window.operator.config.controller == "direct"
    assert window.toasts.texts[-1] == problems[hand.id]
    assert window.safety.controller.currentData() == "direct"


def test_a_hand_that_the_controller_does_not_support_takes_another(
    window: MainWindow, plugins: PluginRegistry
) -> None:
    other = next(id for id in plugins.hands if id != window.operator.hand.id)
    plugins.controllers["guided"] = replace(GUIDED, hands=(window.operator.hand.id,))
    window.operator.choose_hand(other)
    assert window.operator.config.controller == "direct"
    assert "does not support" in window.toasts.texts[-1]


def test_keys_change_the_running_controller(window: MainWindow, qtbot) -> None:
    window.operator.connect_hand()
    qtbot.waitUntil(lambda: window.bridge.state == SessionState.CONNECTED)
    control = Qt.KeyboardModifier.ControlModifier
    for key in (Qt.Key.Key_G, Qt.Key.Key_Up, Qt.Key.Key_M, Qt.Key.Key_G, Qt.Key.Key_Down):
        qtbot.keyClick(window, key, control)
    sent = [c for c in FakeSession.made[-1].sent if isinstance(c, p.SetParameter)]
    assert sent == [
        p.SetParameter("active", "off"),
        p.SetParameter("pull", pytest.approx(110.0)),
        p.SetParameter("mode", "hold"),
        p.SetParameter("active", "on"),
        p.SetParameter("pull", pytest.approx(100.0)),
    ]
    assert window.parameters.dials["active"].switch.text() == "Guided  ON"


def test_what_few_people_change_waits_behind_a_button(window: MainWindow, qtbot) -> None:
    dial = window.parameters.dials["fine"]
    assert not dial.isVisible() and window.parameters.dials["pull"].isVisible()
    button = window.parameters.findChild(QToolButton, "tool")
    button.menu().popup(window.mapToGlobal(window.rect().center()))
    qtbot.waitUntil(dial.isVisible)
    dial.slider.setValue(1000)
    button.menu().close()
    assert window.operator.config.parameters["fine"] == pytest.approx(1.0)
    assert window.parameters.dials["care"].switch is None, "there is one switch that stands out"


def test_the_palette_reaches_every_word_of_every_controller(window: MainWindow) -> None:
    window.operator.choose_controller("direct")
    window.actions_registry["controller.key_switch"].trigger()
    assert window.toasts.texts[-1].endswith("has no switch")
    window.actions_registry["controller.guided.active.off"].trigger()
    assert window.operator.config.controller == "guided"
    assert window.parameters.dials["active"].switch.text() == "Guided  OFF"


def test_choosing_a_controller_brings_its_panel_to_the_front(
    open_application, plugins: PluginRegistry, qtbot
) -> None:
    (id, spec), *_ = plugins.panels.items()
    plugins.panels = {id: replace(spec, controller="guided")}
    window = open_application(plugins, config=p.SessionConfig()).window
    window.docks.show("scene")
    dock = window.docks.docks[id]
    qtbot.waitUntil(lambda: dock.visibleRegion().isEmpty())
    window.operator.choose_controller("guided")
    qtbot.waitUntil(lambda: not dock.visibleRegion().isEmpty())
