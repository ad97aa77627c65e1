"""Everything that can be done in the window, declared once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QMenu

from dexgen_app.gui import theme
from dexgen_app.gui.actions import MENUS, ActionInfo
from dexgen_app.gui.controller_actions import controller_keys, controller_words
from dexgen_app.gui.dialogs import SettingsDialog, ShortcutsDialog, show_about
from dexgen_app.render.camera import PRESETS

if TYPE_CHECKING:
    from dexgen_app.gui.window import MainWindow


def add_actions(window: MainWindow) -> None:
    """Declare the actions of the window and of the plugins."""
    for info in (
        *_session(window),
        *_episode(window),
        *_view(window),
        *_tools(window),
        *controller_words(window),
    ):
        window.actions_registry.add(info)
    _add_panel_switches(window)
    _add_plugin_actions(window)
    for name, keys in window.settings.keys.items():
        if name in window.actions_registry:
            window.actions_registry[name].setShortcut(keys)


def fill_menu_bar(window: MainWindow) -> None:
    """Make the menus."""
    bar = window.menuBar()
    if bar is None:
        return
    for name in MENUS:
        menu = bar.addMenu(f"&{name}")
        if menu is None:
            continue
        window.actions_registry.fill_menu(menu, name)
        if name == "View":
            _add_panel_menu(window, menu)


def _session(window: MainWindow) -> tuple[ActionInfo, ...]:
    do = window.operator
    return (
        ActionInfo(
            id="session.connect",
            title="Connect or disconnect",
            menu="Session",
            shortcut="F2",
            icon="mdi6.connection",
            run=do.toggle_connection,
        ),
        ActionInfo(
            id="session.arm",
            title="Arm or disarm",
            menu="Session",
            shortcut="F3",
            icon="mdi6.shield-outline",
            run=window.toggle_arm,
            help="Allow motion while the dead-man switch (Space) is held",
        ),
        ActionInfo(
            id="session.stop",
            title="STOP",
            menu="Session",
            icon="mdi6.stop-circle",
            run=do.stop,
            help="F12 or Pause, anywhere",
        ),
        ActionInfo(
            id="session.reset",
            title="Reset STOP or fault",
            menu="Session",
            shortcut="Ctrl+Backspace",
            icon="mdi6.lock-open-outline",
            run=do.reset_stop,
        ),
        ActionInfo(
            id="session.scene",
            title="Reset the grasp",
            menu="Session",
            shortcut="F4",
            icon="mdi6.restore",
            run=do.reset_scene,
            separator=True,
            help="Put the simulated object back into the hand",
        ),
        ActionInfo(
            id="session.reconnect",
            title="Restart the worker",
            menu="Session",
            icon="mdi6.restart",
            run=do.connect_hand_anew,
        ),
        ActionInfo(
            id="session.argument",
            title="Choose the device's argument…",
            menu="Session",
            shortcut="Ctrl+D",
            icon="mdi6.folder-open-outline",
            run=lambda: window.choose_argument(),
        ),
        ActionInfo(
            id="session.calibrate",
            title="Calibrate the person's hand",
            menu="Session",
            icon="mdi6.human-greeting-variant",
            run=do.calibrate,
        ),
        *controller_keys(window),
        ActionInfo(
            id="session.quit",
            title="Quit",
            menu="Session",
            shortcut="Ctrl+Q",
            icon="mdi6.exit-to-app",
            run=window.close,
            separator=True,
        ),
        *_choices(window),
    )


def _choices(window: MainWindow) -> tuple[ActionInfo, ...]:
    do, registry = window.operator, window.registry
    devices = tuple(
        ActionInfo(
            id=f"device.{id}",
            title=f"Device: {spec.title}",
            icon="mdi6.gamepad-variant",
            help=spec.help,
            run=lambda i=id: do.choose_device(i),
        )
        for id, spec in registry.teleop_devices.items()
    )
    controllers = tuple(
        ActionInfo(
            id=f"controller.{id}",
            title=f"Controller: {spec.title}",
            icon="mdi6.brain",
            help=spec.help,
            run=lambda i=id: do.choose_controller(i),
        )
        for id, spec in registry.controllers.items()
    )
    return devices + controllers


def _episode(window: MainWindow) -> tuple[ActionInfo, ...]:
    do = window.operator
    return (
        ActionInfo(
            id="episode.start",
            title="Begin an episode",
            menu="Episode",
            shortcut="F5",
            icon="mdi6.play-circle-outline",
            run=do.start_episode,
        ),
        ActionInfo(
            id="episode.keep",
            title="End the episode: keep",
            menu="Episode",
            shortcut="F6",
            icon="mdi6.check-circle-outline",
            run=lambda: do.end_episode("keep"),
        ),
        ActionInfo(
            id="episode.fail",
            title="End the episode: fail",
            menu="Episode",
            shortcut="F7",
            icon="mdi6.close-circle-outline",
            run=lambda: do.end_episode("fail"),
        ),
        ActionInfo(
            id="episode.discard",
            title="End the episode: discard",
            menu="Episode",
            shortcut="F8",
            icon="mdi6.trash-can-outline",
            run=lambda: do.end_episode("discard"),
        ),
        ActionInfo(
            id="episode.note",
            title="Write a note",
            menu="Episode",
            shortcut="F9",
            icon="mdi6.note-edit-outline",
            run=window.write_note,
        ),
        ActionInfo(
            id="episode.record",
            title="Record or stop recording",
            menu="Episode",
            shortcut="F10",
            icon="mdi6.record-circle-outline",
            run=do.toggle_recording,
            separator=True,
        ),
        ActionInfo(
            id="episode.open",
            title="Review a recording…",
            menu="Episode",
            shortcut="Ctrl+O",
            icon="mdi6.folder-open-outline",
            run=window.choose_recording,
        ),
        ActionInfo(
            id="episode.export",
            title="Export the review as pictures…",
            menu="Episode",
            shortcut="Ctrl+E",
            icon="mdi6.export-variant",
            run=window.exports.choose,
        ),
        ActionInfo(
            id="episode.pause_replay",
            title="Pause or resume the replay on the hand",
            menu="Episode",
            shortcut="Ctrl+P",
            icon="mdi6.pause-circle-outline",
            run=do.pause_replay,
        ),
        ActionInfo(
            id="episode.stop_replay",
            title="End the replay on the hand",
            menu="Episode",
            icon="mdi6.stop-circle-outline",
            run=do.stop_replay,
        ),
        ActionInfo(
            id="episode.live",
            title="Back to live",
            menu="Episode",
            shortcut="Ctrl+L",
            icon="mdi6.access-point",
            run=window.close_review,
        ),
    )


def _view(window: MainWindow) -> tuple[ActionInfo, ...]:
    layouts = tuple(
        ActionInfo(
            id=f"view.layout_{name}",
            title=f"{name.capitalize()} layout",
            menu="View",
            shortcut=f"Ctrl+{i}",
            icon=icon,
            checkable=True,
            run=lambda n=name: window.set_layout(n),
        )
        for i, (name, icon) in enumerate(
            (
                ("teleop", "mdi6.gamepad-variant-outline"),
                ("train", "mdi6.school-outline"),
                ("review", "mdi6.movie-open-outline"),
            ),
            start=1,
        )
    )
    cameras = tuple(
        ActionInfo(
            id=f"view.camera_{name}",
            title=f"Look from: {name.replace('_', ' ')}",
            icon="mdi6.camera-outline",
            help=f"Key {i} in the view",
            run=lambda n=name: window.view.set_preset(n),
        )
        for i, name in enumerate(PRESETS, start=1)
    )
    return (
        *layouts,
        ActionInfo(
            id="view.reset",
            title="Reset the layout",
            menu="View",
            icon="mdi6.view-dashboard-outline",
            run=lambda: window.docks.reset(),
        ),
        ActionInfo(
            id="view.theme",
            title="Light or dark",
            menu="View",
            shortcut="Ctrl+T",
            icon="mdi6.theme-light-dark",
            separator=True,
            run=lambda: window.set_dark(not theme.colors().dark),
        ),
        ActionInfo(
            id="view.fullscreen",
            title="Full screen",
            menu="View",
            shortcut="F11",
            icon="mdi6.fullscreen",
            run=window.toggle_full_screen,
        ),
        ActionInfo(
            id="view.ghost",
            title="Show the commanded hand",
            menu="View",
            icon="mdi6.ghost-outline",
            run=window.toggle_ghost,
            checkable=True,
        ),
        ActionInfo(
            id="view.contacts",
            title="Show contact forces",
            menu="View",
            icon="mdi6.arrow-collapse",
            run=window.toggle_contacts,
            checkable=True,
        ),
        ActionInfo(
            id="view.hand",
            title="Focus the 3D view",
            menu="View",
            shortcut="Ctrl+0",
            icon="mdi6.video-3d",
            run=window.view.setFocus,
        ),
        *cameras,
    )


def _tools(window: MainWindow) -> tuple[ActionInfo, ...]:
    return (
        ActionInfo(
            id="tools.palette",
            title="Find a command…",
            menu="Tools",
            shortcut="Ctrl+K|Ctrl+Shift+P",
            icon="mdi6.magnify",
            run=lambda: window.palette_card.open(),
        ),
        ActionInfo(
            id="tools.settings",
            title="Settings…",
            menu="Tools",
            shortcut="Ctrl+,",
            icon="mdi6.cog-outline",
            run=lambda: window.open_dialog(SettingsDialog),
        ),
        ActionInfo(
            id="help.shortcuts",
            title="Keys",
            menu="Help",
            shortcut="F1",
            icon="mdi6.keyboard-outline",
            run=lambda: window.open_dialog(ShortcutsDialog),
        ),
        ActionInfo(
            id="help.hint",
            title="First steps",
            menu="Help",
            icon="mdi6.sign-direction",
            run=window.show_hint,
        ),
        ActionInfo(
            id="help.about",
            title="About",
            menu="Help",
            icon="mdi6.information-outline",
            run=lambda: show_about(window),
        ),
    )


def _add_panel_switches(window: MainWindow) -> None:
    for name, dock in window.docks.docks.items():
        window.actions_registry.add(
            ActionInfo(
                id=f"panel.{name}",
                title=f"Panel: {dock.windowTitle()}",
                icon="mdi6.dock-window",
                run=lambda n=name: window.docks.show(n),
            )
        )


def _add_panel_menu(window: MainWindow, menu: QMenu) -> None:
    panels = menu.addMenu("Panels")
    if panels is None:
        return
    for dock in window.docks.docks.values():
        panels.addAction(dock.toggleViewAction())


def _add_plugin_actions(window: MainWindow) -> None:
    for spec in window.registry.actions.values():
        window.actions_registry.add(
            ActionInfo(
                id=f"plugin.{spec.id}",
                title=spec.title,
                menu="Tools",
                shortcut=spec.shortcut,
                icon=spec.icon or "mdi6.puzzle-outline",
                help=spec.help,
                run=lambda s=spec: window.run_plugin_action(s),
            )
        )
