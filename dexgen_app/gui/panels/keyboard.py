"""Pad for a device that is driven by keys: what each key does, and a button for the mouse."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.gui import theme
from dexgen_app.gui.widgets import EmptyState
from dexgen_app.spec import TeleopSpec

_CAPS = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "tab": "Tab",
    "home": "Home",
    "end": "End",
    "page_up": "PgUp",
    "page_down": "PgDn",
    "backspace": "⌫",
    "enter": "Enter",
    "shift": "Shift",
}
_TWO_COLUMNS = 460
"""Width that two columns of keys need [px]."""


class KeyboardPanel(QWidget):
    """Shows the keys of the chosen device.

    Signals:
        key_pressed: ``(key, down)``, from a button that is held with the mouse.
    """

    key_pressed = pyqtSignal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._device: TeleopSpec | None = None
        self._grids: list[tuple[QGridLayout, list[QHBoxLayout]]] = []
        self._across = 2
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.status = QLabel("", objectName="heading")
        self.status.setContentsMargins(12, 8, 12, 2)
        self.status.hide()
        layout.addWidget(self.status)
        layout.addWidget(self._scroll)
        self.set_device(None)

    def set_device(self, device: TeleopSpec | None) -> None:
        """Show the keys of a device."""
        if device is self._device and device is not None:
            return
        self._device = device
        self.buttons, self._grids = {}, []
        self.show_status("")
        if device is None or not device.keys:
            self._scroll.setWidget(
                EmptyState(
                    "mdi6.keyboard-outline",
                    "This device has no keys",
                    "Choose the keyboard as the device to drive the hand with keys.",
                )
            )
            return
        body = QWidget(objectName="sheet")
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 8, 12, 10)
        column.setSpacing(5)
        groups: dict[str, list[tuple[str, str]]] = {}
        for item in device.keys:
            groups.setdefault(item.group, []).append((item.key, item.title))
        for title, keys in groups.items():
            column.addWidget(QLabel(title.upper(), objectName="caption"))
            grid = QGridLayout()
            grid.setHorizontalSpacing(12)
            grid.setVerticalSpacing(4)
            cells = []
            for key, meaning in keys:
                cell = QHBoxLayout()
                cell.setSpacing(7)
                cap = QPushButton(_CAPS.get(key, key.upper()))
                cap.setFixedSize(46 if len(cap.text()) > 1 else 32, 26)
                cap.setStyleSheet("padding: 0;")
                cap.setAccessibleName(f"{key}: {meaning}")
                cap.setFocusPolicy(Qt.FocusPolicy.NoFocus)
                cap.pressed.connect(lambda k=key: self.key_pressed.emit(k, True))
                cap.released.connect(lambda k=key: self.key_pressed.emit(k, False))
                self.buttons[key] = cap
                cell.addWidget(cap)
                cell.addWidget(QLabel(meaning, objectName="muted"), 1)
                cells.append(cell)
            self._grids.append((grid, cells))
            column.addLayout(grid)
        column.addStretch(1)
        self._across = 0
        self._arrange()
        self._scroll.setWidget(body)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Put the keys side by side only where their words fit."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        across = 2 if self.width() >= _TWO_COLUMNS else 1
        if across == self._across:
            return
        self._across = across
        for grid, cells in self._grids:
            for cell in cells:
                grid.removeItem(cell)
            for i, cell in enumerate(cells):
                grid.addLayout(cell, i // across, i % across)
            for column in range(2):
                grid.setColumnStretch(column, 1 if column < across else 0)

    def show_status(self, text: str) -> None:
        """Show what the device says of itself, such as its mode."""
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def show_key(self, key: str, down: bool) -> None:
        """Light a key while it is held."""
        if key in self.buttons:
            theme.set_property(self.buttons[key], "role", "armed" if down else "")

    def release_all(self) -> None:
        """Let every key go dark."""
        for cap in self.buttons.values():
            theme.set_property(cap, "role", "")
