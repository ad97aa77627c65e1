"""The main window: bars, 3D view, timeline, docks, and how they follow the session."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QResizeEvent,
)
from PyQt6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QFrame,
    QLabel,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.errors import DexgenError
from dexgen_app.gui import theme
from dexgen_app.gui.actions import ActionRegistry
from dexgen_app.gui.argument_menu import ArgumentMenu
from dexgen_app.gui.command_palette import CommandPalette
from dexgen_app.gui.context import AppContext
from dexgen_app.gui.docks import Docks
from dexgen_app.gui.export_view import ExportView
from dexgen_app.gui.first_steps import first_steps
from dexgen_app.gui.keys import KeyGuard
from dexgen_app.gui.look_back import LookBack
from dexgen_app.gui.notices import Banner, HintCard, Toasts
from dexgen_app.gui.operator import Operator
from dexgen_app.gui.panels.episodes import EpisodesPanel
from dexgen_app.gui.panels.joints import JointsPanel
from dexgen_app.gui.panels.keyboard import KeyboardPanel
from dexgen_app.gui.panels.log import LogPanel
from dexgen_app.gui.panels.plots import PlotsPanel
from dexgen_app.gui.panels.plugins import PluginsPanel
from dexgen_app.gui.panels.scene import ScenePanel
from dexgen_app.gui.panels.train import TrainPanel
from dexgen_app.gui.parameters import ParameterBar
from dexgen_app.gui.review import ReviewController
from dexgen_app.gui.safety_bar import SafetyBar
from dexgen_app.gui.session_view import BACK_TO_LIVE, SessionView
from dexgen_app.gui.status_bar import StatusBar
from dexgen_app.gui.timeline import Timeline
from dexgen_app.gui.view3d import HandView
from dexgen_app.gui.window_actions import add_actions, fill_menu_bar
from dexgen_app.live.row import SessionState
from dexgen_app.plugins import PluginRegistry
from dexgen_app.settings import Settings, load_settings, update_settings
from dexgen_app.spec import ActionSpec

log = logging.getLogger("dexgen_app.gui")
BORDER = 3
REVIEW_ROWS = 60 * 30


class MainWindow(QMainWindow):
    """Everything that a person sees.

    Args:
        operator: What can be asked of the session.
        settings: The user's settings.
        read_only: Review only: another instance owns the hand and the settings.
        remember: Whether layout and settings are kept for the next start.
    """

    closing = pyqtSignal()

    def __init__(
        self,
        operator: Operator,
        settings: Settings | None = None,
        *,
        read_only: bool = False,
        remember: bool = True,
    ) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setAcceptDrops(True)
        self.resize(1600, 1000)
        self.setMinimumSize(1260, 640)  # narrower, STOP would leave the window
        self.operator, self.bridge = operator, operator.bridge
        self.registry: PluginRegistry = operator.registry
        self.keys: KeyGuard = operator.keys
        self.settings = settings or load_settings()
        self.read_only = read_only
        self.remember = remember and not read_only
        self.context = AppContext(operator)
        self._build_centre()
        self._build_docks()
        self._build_bars()
        self.actions_registry = ActionRegistry(self)
        add_actions(self)
        fill_menu_bar(self)
        for name in ("view.ghost", "view.contacts", "view.layout_teleop"):
            self.actions_registry[name].setChecked(True)
        self.palette_card = CommandPalette(self.actions_registry, self)
        self.toasts = Toasts(self)
        self._edges = [QFrame(self) for _ in range(4)]
        self._drop = QLabel("Drop a recording to review it", self, objectName="dropOverlay")
        self._drop.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._drop.hide()
        self.hint: HintCard | None = None
        self._wire()
        theme.follow(self, self._restyle)
        self.session_view = SessionView(self)

    # Building -------------------------------------------------------------------------------

    def _build_centre(self) -> None:
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.banner = Banner()
        self.view = HandView()
        self.timeline = Timeline()
        column.addWidget(self.banner)
        column.addWidget(self.view, 1)
        column.addWidget(self.timeline)
        self.setCentralWidget(centre)
        self.review = ReviewController(self.view, self.timeline, self)
        self.exports = ExportView(self)
        self.look_back = LookBack(self.timeline, lambda: not self.bridge.armed, self)

    def _build_docks(self) -> None:
        self.docks = Docks(self)
        self.joints, self.keyboard, self.plots = JointsPanel(), KeyboardPanel(), PlotsPanel()
        self.episodes, self.scene, self.log = EpisodesPanel(), ScenePanel(), LogPanel()
        self.plugins, self.train = PluginsPanel(self.registry), TrainPanel(self.registry)
        for name, title, icon, content in (
            ("joints", "Joints", "mdi6.tune-vertical", self.joints),
            ("keyboard", "Keyboard", "mdi6.keyboard-outline", self.keyboard),
            ("episodes", "Episodes", "mdi6.filmstrip-box-multiple", self.episodes),
            ("plots", "Live plots", "mdi6.chart-line", self.plots),
            ("scene", "Scene", "mdi6.cube-outline", self.scene),
            ("train", "Train", "mdi6.school-outline", self.train),
            ("log", "Log", "mdi6.text-box-outline", self.log),
            ("plugins", "Plugins", "mdi6.puzzle-outline", self.plugins),
        ):
            self.docks.add(name, title, icon, content)
        for spec in self.registry.panels.values():
            dock = self.docks.add_plugin(
                spec.id,
                spec.title,
                spec.icon,
                lambda s=spec: self.registry.build(s.factory, self.context, owner_id=s.id),
                spec.area,
                spec.layouts,
            )
            dock.content.failed.connect(self._on_panel_failed)

    def _build_bars(self) -> None:
        self.safety = SafetyBar(self.registry)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.safety)
        self.addToolBarBreak()
        self.parameters = ParameterBar()
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.parameters)
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)

    def _wire(self) -> None:
        bar, operator = self.safety, self.operator
        bar.hand_chosen.connect(operator.choose_hand)
        bar.driver_chosen.connect(operator.choose_driver)
        bar.device_chosen.connect(operator.choose_device)
        bar.controller_chosen.connect(operator.choose_controller)
        bar.argument_wanted.connect(lambda: self.choose_argument())
        bar.connect_clicked.connect(operator.toggle_connection)
        bar.arm_clicked.connect(self.toggle_arm)
        bar.record_clicked.connect(operator.toggle_recording)
        bar.stop_clicked.connect(operator.stop)
        bar.reset_clicked.connect(operator.reset_stop)
        bar.dead_man_pressed.connect(self.keys.hold_by_pointer)
        self.parameters.changed.connect(operator.set_parameter)
        operator.message.connect(self.toasts.show)
        operator.argument_wanted.connect(self.choose_argument)
        self.keys.device_key.connect(self.keyboard.show_key)
        self.keys.keys_released.connect(self.keyboard.release_all)
        self.keyboard.key_pressed.connect(operator.send_key)
        self.joints.positions_wanted.connect(operator.send_positions)
        self.episodes.review_wanted.connect(self.open_review)
        self.episodes.replay_wanted.connect(operator.replay)
        self.episodes.note_written.connect(operator.annotate)
        self.episodes.failed.connect(lambda text: self.toasts.show(text, "warn"))
        self.scene.scene_wanted.connect(operator.set_scene)
        self.scene.wrist_wanted.connect(operator.set_wrist)
        self.scene.reset_wanted.connect(operator.reset_scene)
        self.plugins.message.connect(self.toasts.show)
        self.train.message.connect(self.toasts.show)
        self.context.notified.connect(self.toasts.show)
        self.context.review_wanted.connect(self.open_review)
        self.review.row_changed.connect(self._on_review_row)

    # Things a person does -------------------------------------------------------------------

    def toggle_arm(self) -> None:
        """Arm, leaving a review first, or disarm."""
        if not self.bridge.armed and self.review.recording is not None:
            self.close_review()
        self.operator.toggle_arm()

    def _on_panel_failed(self, text: str) -> None:
        log.error("%s", text)
        self.toasts.show(text, "bad")

    def choose_argument(self, device: str = "") -> None:
        """Offer what the device can use, a file, or a word; never while the hand may move."""
        if self.bridge.armed:
            self.toasts.show("Disarm first: a menu would cover the hand", "warn")
            return
        id = device or self.operator.config.device.partition(":")[0]
        spec = self.registry.teleop_devices.get(id)
        if spec is None or not spec.argument_help:
            self.toasts.show("This device takes no argument", "info")
            return
        menu = ArgumentMenu(spec, self.registry, self.settings.recordings_dir, self)
        menu.chosen.connect(self.operator.choose_device)
        menu.aboutToHide.connect(
            lambda: self.session_view.show_config(self.operator.config),
            Qt.ConnectionType.QueuedConnection,
        )
        button = self.safety.device
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def choose_recording(self) -> None:
        """Let the person choose a recording and review it."""
        if self.bridge.armed:
            self.toasts.show("Disarm first: the view must show the live hand", "warn")
            return
        path, _ = QFileDialog.getOpenFileName(
            self, "Review a recording", str(self.settings.recordings_dir), "Recordings (*.mcap)"
        )
        if path:
            self.open_review(Path(path))

    def write_note(self) -> None:
        """Put the cursor into the note field: of the running session, or of an old episode."""
        self.docks.docks["episodes"].show()
        self.docks.docks["episodes"].raise_()
        self.episodes.start_note(live=self.bridge.recording.active)

    def run_plugin_action(self, spec: ActionSpec) -> None:
        """Run an action of a plugin."""
        try:
            self.registry.build(spec.run, self.context, owner_id=spec.id)
        except DexgenError as error:
            self._on_panel_failed(str(error))

    def open_dialog(self, kind: type[QDialog]) -> None:
        """Show a dialog; it is not modal."""
        dialog = kind(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def toggle_full_screen(self) -> None:
        """Fill the screen, or not."""
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def toggle_ghost(self) -> None:
        """Show or hide the commanded hand."""
        self.view.set_ghost_visible(self.actions_registry["view.ghost"].isChecked())

    def toggle_contacts(self) -> None:
        """Show or hide contact forces."""
        self.view.set_contacts_visible(self.actions_registry["view.contacts"].isChecked())

    def open_review(self, path: Path, episode: int = -1) -> None:
        """Replay a recording in the view."""
        if self.bridge.armed:
            self.toasts.show("Disarm first: the view must show the live hand", "warn")
            return
        self.look_back.set_enabled(False)
        try:
            self.review.open(path, episode)
        except DexgenError as error:
            self.look_back.set_enabled(self.review.recording is None)
            self.toasts.show(str(error), "bad")
            return
        self.keys.set_enabled(False)
        recording = self.review.recording
        if recording is not None and recording.hand_id != self.session_view.shown_hand:
            self.joints.set_hand(recording.hand)
            self.plots.set_hand(recording.hand)
        self.joints.set_manual(False)
        self.set_layout("review")
        which = f", episode {episode + 1}" if episode >= 0 else ""
        self.banner.show_fault(f"Review of {Path(path).name}{which}", BACK_TO_LIVE, tone="warn")
        self.session_view.show_title()
        self.view.setFocus()

    def close_review(self) -> None:
        """Go back to the live hand."""
        self.look_back.follow()
        if self.review.recording is None:
            return
        self.review.close()
        self.keys.set_enabled(True)
        self.look_back.set_enabled(True)
        if self.banner.action.text() == BACK_TO_LIVE:
            self.banner.clear()
        self.session_view.shown_hand = ""
        self.session_view.show_config(self.operator.config)
        if self.docks.layout == "review":
            self.set_layout("teleop")

    def _on_review_row(self, row: np.void, index: int) -> None:
        if self.review.recording is not None:
            self.joints.show_row(row)
            self.plots.show_past(self.review.rows[max(index - REVIEW_ROWS, 0) : index + 1])

    def set_layout(self, layout: str) -> None:
        """Arrange the docks for ``teleop``, ``train`` or ``review``."""
        self.docks.switch(layout)
        for name in ("teleop", "train", "review"):
            self.actions_registry[f"view.layout_{name}"].setChecked(name == layout)

    def set_dark(self, dark: bool) -> None:
        """Change the theme and remember it."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, dark=dark)
        self.save_settings(theme="dark" if dark else "light")

    def save_settings(self, **changes: object) -> None:
        """Change settings; says so if they cannot be written."""
        try:
            self.settings = (
                update_settings(**changes) if self.remember else replace(self.settings, **changes)  # type: ignore[arg-type]
            )
        except DexgenError as error:
            self.toasts.show(str(error), "warn")

    def show_hint(self) -> None:
        """Show what to do first."""
        if self.hint is None or not self.hint.isVisible():
            title, steps = first_steps(self.operator.device, self.operator.controller)
            self.hint = HintCard(self.view, title, steps)
            self.hint.dismissed.connect(self._on_hint_dismissed)
        self.hint.show()

    def _on_hint_dismissed(self) -> None:
        self.hint = None
        self.save_settings(show_hint=False)

    # Looks ----------------------------------------------------------------------------------

    def _restyle(self) -> None:
        self.view.set_theme("dark" if theme.colors().dark else "light")
        self.paint_edges()

    def paint_edges(self) -> None:
        """Colour the border: one colour for a simulated hand, another for a real one."""
        c = theme.colors()
        color = c.sim if self.operator.simulated else c.real
        if self.bridge.state in (SessionState.STOPPED, SessionState.FAULT):
            color = c.stop
        for edge in getattr(self, "_edges", ()):
            edge.setStyleSheet(f"background: {color}; border: none;")
        self.setContentsMargins(BORDER, BORDER, BORDER, BORDER)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the border and the overlays in place."""
        super().resizeEvent(event)
        w, h, b = self.width(), self.height(), BORDER
        for edge, box in zip(
            self._edges, ((0, 0, w, b), (0, h - b, w, b), (0, 0, b, h), (w - b, 0, b, h))
        ):
            edge.setGeometry(*box)
            edge.raise_()
        self._drop.setGeometry(self.rect())

    # Events ---------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Give keys that nobody took to the timeline and the view."""
        if event is None:
            return
        if self.timeline.handle_key(event) or self.view.handle_key(event):
            return
        if event.key() == Qt.Key.Key_Escape and self.review.recording is not None:
            self.close_review()
            return
        super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take one recording."""
        if event is not None and _dropped(event) is not None:
            self._drop.raise_()
            self._drop.show()
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent | None) -> None:
        """Forget it."""
        self._drop.hide()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open it."""
        self._drop.hide()
        path = _dropped(event) if event is not None else None
        if path is not None:
            self.open_review(path)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Remember the layout and end the worker."""
        self.review.close()
        self.exports.close()
        self.episodes.stop()
        self.train.stop_processes()
        if self.remember:
            self.docks.save()
        self.keys.release()
        self.closing.emit()
        self.bridge.close()
        self.view.release()
        super().closeEvent(event)


def _dropped(event: QDropEvent) -> Path | None:
    data = event.mimeData()
    urls = data.urls() if data is not None else []
    if len(urls) == 1 and urls[0].toLocalFile().endswith(".mcap"):
        return Path(urls[0].toLocalFile())
    return None
