"""A panel that shows, finger by finger, how far the controller departs from the command."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from dexgen_app.kinematics.model import HandModel
from dexgen_app.live.protocol import ControllerStatus, SetParameter
from dexgen_app.spec import HandSpec

RANGE_MM = 60


class DeparturePanel(QWidget):
    """Distance between each commanded fingertip and where the controller sends it.

    Args:
        app: The application.
    """

    def __init__(self, app: Any) -> None:
        super().__init__()
        self._app = app
        self._model: HandModel | None = None
        self._bars: list[QProgressBar] = []
        self._values: list[QLabel] = []
        self._grid = QGridLayout()
        self._summary = QLabel("Arm the hand and hold the dead-man switch.")
        self._summary.setWordWrap(True)
        self.release = QPushButton("Release: let the command through")
        self.release.setCheckable(True)
        self.release.setToolTip("Switches DexGen off while it is pressed in, to let the object go.")
        self.release.setEnabled(False)
        self.release.toggled.connect(self._on_release)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("From each commanded fingertip to where it is sent"))
        layout.addLayout(self._grid)
        layout.addWidget(self._summary)
        layout.addStretch(1)
        layout.addWidget(self.release)
        app.rows.connect(self.add_rows)
        app.happened.connect(self._on_event)

    def _on_event(self, event: object) -> None:
        if isinstance(event, ControllerStatus):
            active = event.parameters.get("active")
            self.release.setEnabled(event.controller == "dexgen")
            self.release.blockSignals(True)
            self.release.setChecked(active == "off")
            self.release.blockSignals(False)

    def _on_release(self, pressed: bool) -> None:
        self._app.send(SetParameter("active", "off" if pressed else "on"))

    def _show_hand(self, hand: HandSpec) -> None:
        self._model = HandModel(hand)
        while self._grid.count():
            item = self._grid.takeAt(0)
            if item is not None and item.widget() is not None:
                item.widget().deleteLater()
        self._bars, self._values = [], []
        for row, finger in enumerate(hand.fingers):
            name, bar, value = QLabel(finger.name), QProgressBar(), QLabel()
            bar.setRange(0, RANGE_MM)
            bar.setTextVisible(False)
            bar.setAccessibleName(f"{finger.name}: distance from the command")
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            value.setMinimumWidth(value.fontMetrics().horizontalAdvance("000 mm"))
            for column, item in enumerate((name, bar, value)):
                self._grid.addWidget(item, row, column)
            self._bars.append(bar)
            self._values.append(value)

    def add_rows(self, rows: np.ndarray) -> None:
        """Show the newest row's distances; draws only while the panel can be seen."""
        hand = self._app.hand
        if not self.isVisible() or hand is None or not len(rows):
            return
        if self._model is None or self._model.spec.id != hand.id:
            self._show_hand(hand)
        assert self._model is not None
        command, output = rows[-1]["command"], rows[-1]["controller"]
        if not (np.isfinite(command).all() and np.isfinite(output).all()):
            for bar, value in zip(self._bars, self._values):
                bar.setValue(0)
                value.clear()
            return
        apart = np.linalg.norm(self._model.tips(command) - self._model.tips(output), axis=1)
        for bar, value, distance in zip(self._bars, self._values, apart):
            bar.setValue(min(RANGE_MM, round(1000 * float(distance))))
            value.setText(f"{1000 * distance:.0f} mm")
        farthest = hand.fingers[int(apart.argmax())].name
        self._summary.setText(
            f"The controller keeps the {farthest} {1000 * apart.max():.0f} mm from its command."
            if apart.max() > 0.005
            else "The controller follows the command."
        )
