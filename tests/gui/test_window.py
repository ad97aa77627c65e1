from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel

from dexgen_app.errors import DexgenError
from dexgen_app.gui import instance, theme
from dexgen_app.gui.actions import match
from dexgen_app.gui.dialogs import SettingsDialog, ShortcutsDialog
from dexgen_app.gui.window import MainWindow
from dexgen_app.live.protocol import SessionConfig
from dexgen_app.plugins import PluginRegistry
from dexgen_app.settings import load_settings
from dexgen_app.spec import ControllerSpec, DriverSpec, PanelSpec, ParameterSpec


def test_the_safety_bar_cannot_be_moved_or_hidden(window: MainWindow) -> None:
    assert not window.safety.isMovable() and not window.safety.isFloatable()
    assert not window.safety.toggleViewAction().isEnabled()
    for layout in ("train", "review", "teleop"):
        window.set_layout(layout)
        assert window.safety.stop.isVisible() and window.safety.stop.isEnabled()


@pytest.mark.parametrize("width", [1280, 1600])
def test_stop_is_inside_the_window(window: MainWindow, width: int, qtbot) -> None:
    window.resize(width, 800)
    qtbot.wait(20)
    right = window.safety.stop.mapTo(window, window.safety.stop.rect().topRight()).x()
    assert window.width() - 30 < right <= window.width()


def test_layouts_come_back_after_a_restart(open_application, qtbot) -> None:
    first = open_application().window
    first.docks.docks["log"].hide()
    first.set_layout("review")
    assert not first.docks.docks["scene"].isVisible()
    first.close()
    second = open_application().window
    assert second.docks.layout == "review"
    second.set_layout("teleop")
    assert not second.docks.docks["log"].isVisible()
    second.docks.reset()
    assert second.docks.docks["log"].isVisible()


def test_settings_persist(window: MainWindow, open_application) -> None:
    dialog = SettingsDialog(window)
    dialog.theme_choice.setCurrentIndex(dialog.theme_choice.findData("light"))
    dialog._on_theme()
    dialog.profile.setText("ada")
    dialog._on_profile()
    assert load_settings().theme == "light" and load_settings().profile == "ada"
    assert not theme.colors().dark
    assert window.palette().window().color().name() == theme.LIGHT.window
    window.set_dark(True)
    dialog.close()


def test_choices_are_remembered(window: MainWindow) -> None:
    window.operator.choose_driver("sim:mujoco")
    window.operator.choose_device("keyboard")
    settings = load_settings()
    assert (settings.engine, settings.device) == ("mujoco", "keyboard")


def test_every_action_has_a_home_and_no_key_is_used_twice(window: MainWindow) -> None:
    keys = [
        window.actions_registry[info.id].shortcut().toString()
        for info in window.actions_registry
        if not window.actions_registry[info.id].shortcut().isEmpty()
    ]
    assert len(keys) == len(set(keys))
    assert {"F2", "F3", "F5", "F6", "Ctrl+K"} <= set(keys)
    dialog = ShortcutsDialog(window)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert "Arm or disarm" in texts and "hold Space" in texts
    dialog.close()


def test_the_palette_finds_and_runs(window: MainWindow, qtbot) -> None:
    window.actions_registry["tools.palette"].trigger()
    card = window.palette_card
    assert card.isVisible() and card.list.count() > 20
    qtbot.keyClicks(card.edit, "layrev")
    qtbot.keyClick(card.edit, Qt.Key.Key_Escape)
    assert not card.isVisible()
    card.open()
    qtbot.keyClicks(card.edit, "review layout")
    qtbot.keyClick(card.edit, Qt.Key.Key_Return)
    assert not card.isVisible() and window.docks.layout == "review"


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [("tlo", "Teleop layout", True), ("arm", "Arm or disarm", True), ("zz", "Arm", False)],
)
def test_subsequences_match(query: str, text: str, found: bool) -> None:
    assert (match(query, text) is not None) == found


def test_a_better_match_is_first() -> None:
    assert match("rec", "Record") < match("rec", "Restart the clock")


def panels(registry: PluginRegistry, factory: str) -> PluginRegistry:
    """A registry with one more panel."""
    other = PluginRegistry()
    other.__dict__.update(registry.__dict__)
    other.panels = {"extra": PanelSpec(id="extra", title="Extra", factory=factory)}
    return other


def test_a_panel_that_raises_shows_why_and_can_be_tried_again(
    open_application, registry: PluginRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("dexgen_extra_panel")

    def broken(_app: object) -> QLabel:
        raise RuntimeError("no such sensor")

    module.make = broken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dexgen_extra_panel", module)
    window = open_application(panels(registry, "dexgen_extra_panel:make")).window
    window.docks.show("extra")
    host = window.docks.docks["extra"].content
    assert "no such sensor" in host.findChild(type(window.log.text)).toPlainText()
    module.make = lambda app: QLabel(app.hand.id)  # type: ignore[attr-defined]
    host.build()
    assert host.content.text() == window.operator.hand.id


def test_controller_parameters_become_dials(
    open_application, registry: PluginRegistry, qtbot
) -> None:
    other = PluginRegistry()
    other.__dict__.update(registry.__dict__)
    spec = ControllerSpec(
        id="guided",
        title="Guided",
        factory="x:y",
        parameters=(
            ParameterSpec(
                name="scale",
                title="Guidance",
                default=1.0,
                lower=0.01,
                upper=100.0,
                logarithmic=True,
            ),
            ParameterSpec(name="mode", title="Mode", default="spin", choices=("spin", "hold")),
        ),
    )
    other.controllers = {**registry.controllers, "guided": spec}
    window = open_application(other, config=SessionConfig(controller="guided")).window
    window.operator.connect_hand()
    dial = window.parameters.dials["scale"]
    assert window.parameters.isVisible() and dial.slider.value() == 500
    dial.slider.setValue(1000)
    assert window.operator.config.parameters["scale"] == pytest.approx(100.0)
    assert window.parameters.dials["mode"].chooser.currentText() == "spin"


def test_real_and_simulated_look_different(open_application, registry: PluginRegistry) -> None:
    other = PluginRegistry()
    other.__dict__.update(registry.__dict__)
    real = DriverSpec(id="can", title="CAN bus", factory="x:y")
    hand = replace(next(iter(registry.hands.values())), drivers=(real,))
    other.hands = {hand.id: hand}
    window = open_application(other, config=SessionConfig(hand=hand.id)).window
    before = window._edges[0].styleSheet()
    assert "simulation" in window.windowTitle()
    window.operator.choose_driver("can")
    assert window._edges[0].styleSheet() != before
    assert window.safety.driver.currentText() == "CAN bus"


def test_a_second_instance_is_told() -> None:
    lock = instance.claim()
    with pytest.raises(DexgenError, match="open already"):
        instance.claim()
    lock.unlock()
    instance.claim().unlock()


def test_a_foreign_file_is_a_toast(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    path.write_bytes(b"no recording")
    window.open_review(path)
    assert window.review.recording is None and "x.mcap" in window.toasts.texts[-1]


def test_an_exception_in_a_slot_is_logged(window: MainWindow, qtbot) -> None:
    from dexgen_app.gui import crash

    try:
        raise KeyError("lost")
    except KeyError as error:
        crash._on_exception(KeyError, error, error.__traceback__)
    qtbot.waitUntil(lambda: "lost" in window.log.text.toPlainText())


def test_what_is_no_longer_installed_is_replaced(open_application) -> None:
    config = SessionConfig(hand="gone", device="gone:file", controller="gone")
    window = open_application(config=config).window
    assert window.operator.hand is not None and window.operator.config.device == "sliders"
    # It comes with weights for this hand, so it is preferred.
    assert window.operator.config.controller == "dexgen"


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEXGEN_HOME", "/proc/nowhere")
    with pytest.raises(DexgenError, match="cannot be written"):
        instance.claim()


@pytest.mark.parametrize("option", ["--hand", "--device", "--controller"])
def test_unknown_ids_are_refused_before_a_window_opens(option: str, capsys) -> None:
    from dexgen_app.__main__ import main

    assert main(["gui", "--offscreen", option, "nonesuch"]) == 2
    assert "nonesuch" in capsys.readouterr().err
