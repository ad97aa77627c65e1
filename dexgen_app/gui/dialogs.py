"""Dialogs: settings, the list of keys, about. None of them is modal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QKeySequence
from PyQt6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

import dexgen_app
from dexgen_app.gui import theme
from dexgen_app.gui.widgets import button, muted, tool

if TYPE_CHECKING:
    from dexgen_app.gui.window import MainWindow

FIXED_KEYS = (
    ("STOP", "F12  or  Pause", "everywhere, in dialogs too"),
    ("Dead-man switch", "hold Space", "the hand moves only while it is held"),
    ("Press the focused button", "Enter", "because Space is the dead-man switch"),
    ("Views of the hand", "1 … 5", "R resets the view, F follows the palm"),
    ("Move a joint's slider", "← →", "a degree; with Shift ten; Home and End are the limits"),
    ("Episodes list", "K  F  D  N", "keep, fail, discard, note; Enter reviews, H plays it"),
    ("Review", "Space  ← →  [ ]", "play, step, in and out marks; Esc goes back to live"),
)


class SettingsDialog(QDialog):
    """Changes take effect at once."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setWindowTitle("Settings")
        self.setModal(False)
        self._window = window
        settings = window.settings
        self.theme_choice = QComboBox()
        for title, value in (("Dark", "dark"), ("Light", "light"), ("As the system", "system")):
            self.theme_choice.addItem(title, value)
        self.theme_choice.setCurrentIndex(self.theme_choice.findData(settings.theme))
        self.text_size = QDoubleSpinBox()
        self.text_size.setRange(8, 16)
        self.text_size.setSingleStep(0.5)
        self.text_size.setSuffix(" pt")
        self.text_size.setValue(settings.text_size)
        self.folder = QLineEdit(settings.recordings)
        self.folder.setPlaceholderText(str(settings.recordings_dir))
        browse = tool("mdi6.folder-open-outline", "Choose the folder")
        self.profile = QLineEdit(settings.profile)
        self.side = QComboBox()
        for title, value in (("As the robot's", ""), ("Right", "right"), ("Left", "left")):
            self.side.addItem(title, value)
        self.side.setCurrentIndex(self.side.findData(settings.human_side))
        self.auto_connect = QCheckBox("Connect the simulated hand at the start")
        self.auto_connect.setChecked(settings.auto_connect)
        folder = QHBoxLayout()
        folder.addWidget(self.folder, 1)
        folder.addWidget(browse)
        form = QFormLayout()
        form.setHorizontalSpacing(18)
        form.setVerticalSpacing(10)
        form.addRow("Colours", self.theme_choice)
        form.addRow("Text size", self.text_size)
        form.addRow("Recordings folder", folder)
        form.addRow("Calibration profile", self.profile)
        form.addRow("Person's hand", self.side)
        form.addRow("", self.auto_connect)
        close = button("Close", role="primary")
        foot = QHBoxLayout()
        foot.addWidget(muted("Folder and profile count from the next connection on."), 1)
        foot.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(16)
        layout.addWidget(QLabel("Settings", objectName="title"))
        layout.addLayout(form)
        layout.addLayout(foot)
        self.setMinimumWidth(560)
        self.theme_choice.activated.connect(self._on_theme)
        self.text_size.valueChanged.connect(self._on_theme)
        self.folder.editingFinished.connect(
            lambda: window.save_settings(recordings=self.folder.text().strip())
        )
        self.profile.editingFinished.connect(self._on_profile)
        self.side.activated.connect(self._on_profile)
        self.auto_connect.toggled.connect(lambda on: window.save_settings(auto_connect=on))
        browse.clicked.connect(self._on_browse)
        close.clicked.connect(self.close)

    def _on_theme(self) -> None:
        choice = self.theme_choice.currentData()
        self._window.save_settings(theme=choice, text_size=self.text_size.value())
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, dark=is_dark(choice), point_size=self.text_size.value())

    def _on_profile(self) -> None:
        person = {
            "profile": self.profile.text().strip() or "default",
            "human_side": self.side.currentData(),
        }
        self._window.save_settings(**person)
        self._window.operator.set_person(**person)

    def _on_browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder of recordings", self.folder.text())
        if path:
            self.folder.setText(path)
            self._window.save_settings(recordings=path)


class ShortcutsDialog(QDialog):
    """Every key."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setWindowTitle("Keys")
        self.setModal(False)
        grid = QGridLayout()
        grid.setHorizontalSpacing(22)
        grid.setVerticalSpacing(5)
        rows = [*FIXED_KEYS]
        for info in window.actions_registry:
            keys = window.actions_registry[info.id].shortcut()
            if not keys.isEmpty():
                text = keys.toString(QKeySequence.SequenceFormat.NativeText)
                rows.append((info.title, text, info.help))
        for i, (title, keys_text, text) in enumerate(rows):
            grid.addWidget(QLabel(title), i, 0)
            grid.addWidget(QLabel(keys_text, objectName="mono"), i, 1)
            grid.addWidget(muted(text), i, 2)
        body = QWidget()
        body.setLayout(grid)
        scroll = QScrollArea()
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.addWidget(QLabel("Keys", objectName="title"))
        layout.addWidget(scroll, 1)
        self.resize(QSize(900, 760))


def is_dark(choice: str) -> bool:
    """Return whether a theme setting (``dark``, ``light``, ``system``) means dark now."""
    if choice != "system":
        return choice == "dark"
    hints = QApplication.styleHints()
    return hints is None or hints.colorScheme() != Qt.ColorScheme.Light


def show_about(window: MainWindow) -> None:
    """Say what this is."""
    text = f"dexgen-app {dexgen_app.__version__}: an open application for dexterous robot hands"
    window.toasts.show(text, "info")
