"""A window that steps through the grasps of a set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QKeyEvent
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from dexgen_app.gui import theme
from dexgen_app.gui.view3d import HandView
from dexgen_app.gui.widgets import button, muted
from dexgen_app.live.row import row_dtype
from dexgen_app.spec import GRAVITY_DIRECTIONS, HandSpec, ObjectSpec

_PAGE = 100


@dataclass(frozen=True, eq=False, kw_only=True)
class GraspTable:
    """The grasps of a set as plain arrays.

    Attributes:
        hand: The hand.
        object: The object.
        joints: Joint positions [rad], shape (n, J).
        targets: Joint targets [rad], shape (n, J).
        object_pose: Position [m] and quaternion wxyz, shape (n, 7).
        holds: Whether each survives each direction of ``GRAVITY_DIRECTIONS``, shape (n, 6).
    """

    hand: HandSpec
    object: ObjectSpec
    joints: np.ndarray
    targets: np.ndarray
    object_pose: np.ndarray
    holds: np.ndarray


class GraspWindow(QWidget):
    """Shows one grasp after the other; arrow keys and page keys move through them.

    Args:
        grasps: The grasps.
    """

    def __init__(self, grasps: GraspTable, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle(f"{len(grasps.joints):,} grasps of {grasps.hand.title}")
        self.resize(760, 600)
        self._grasps = grasps
        self._chosen = np.arange(len(grasps.joints))
        self._row = np.zeros((), row_dtype(grasps.hand.joint_count))
        self.view = HandView()
        self.view.set_hand(grasps.hand, grasps.object)
        self.view.set_ghost_visible(False)
        self.gravity = QComboBox()
        self.gravity.setAccessibleName("Gravity")
        self.gravity.addItem("every grasp", -1)
        for column, name in enumerate(GRAVITY_DIRECTIONS):
            share = 100.0 * float(grasps.holds[:, column].mean())
            self.gravity.addItem(f"holds {name.replace('_', ' ')} ({share:.0f} %)", column)
        self.number = QSpinBox()
        self.number.setAccessibleName("Grasp")
        self.back, self.forward = (
            button("Back", "mdi6.chevron-left"),
            button("Next", "mdi6.chevron-right"),
        )
        self.line = muted("")
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 6, 8, 6)
        for widget in (self.gravity, self.back, self.number, self.forward):
            bar.addWidget(widget)
        bar.addWidget(self.line, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.view, 1)
        layout.addLayout(bar)
        theme.follow(self, self._retheme)
        self.back.clicked.connect(lambda: self.step(-1))
        self.forward.clicked.connect(lambda: self.step(1))
        self.number.valueChanged.connect(lambda _: self._show())
        self.gravity.currentIndexChanged.connect(lambda _: self._choose())
        self._choose()

    def step(self, count: int) -> None:
        """Go on by so many grasps; after the last comes the first."""
        if len(self._chosen):
            self.number.setValue((self.number.value() - 1 + count) % len(self._chosen) + 1)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Step with the arrow and page keys."""
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_PageUp: -_PAGE,
            Qt.Key.Key_PageDown: _PAGE,
        }
        count = steps.get(Qt.Key(event.key())) if event is not None else None
        if count is not None:
            self.step(count)
        else:
            super().keyPressEvent(event)

    def _retheme(self) -> None:
        self.view.set_theme("dark" if theme.colors().dark else "light")

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Free what the view draws with."""
        self.view.release()
        super().closeEvent(event)

    def _choose(self) -> None:
        column = int(self.gravity.currentData())
        every = np.arange(len(self._grasps.joints))
        self._chosen = every if column < 0 else every[self._grasps.holds[:, column]]
        count = len(self._chosen)
        for widget in (self.number, self.back, self.forward):
            widget.setEnabled(count > 0)
        self.number.blockSignals(True)
        self.number.setRange(1 if count else 0, count)
        self.number.setValue(1 if count else 0)
        self.number.setSuffix(f" of {count:,}")
        self.number.blockSignals(False)
        self._show()

    def _show(self) -> None:
        if not len(self._chosen):
            self.line.setText("No grasp of this set holds so")
            return
        grasps, index = self._grasps, int(self._chosen[self.number.value() - 1])
        row, column = self._row, int(self.gravity.currentData())
        row["position"], row["object_pose"] = grasps.joints[index], grasps.object_pose[index]
        for name in ("command", "controller", "target"):
            row[name] = grasps.targets[index]
        row["gravity"] = list(GRAVITY_DIRECTIONS.values())[max(column, 0)]
        self.view.set_row(row)
        held = [n for n, held in zip(GRAVITY_DIRECTIONS, grasps.holds[index]) if held]
        self.line.setText(f"number {index}; holds with gravity {', '.join(held) or 'nowhere'}")


def show_grasps(grasps: GraspTable, *, offscreen: bool = False) -> int:
    """Open the window and return when it is closed."""
    from dexgen_app.gui.app import qt_application

    qt = qt_application(offscreen)
    theme.apply(qt, dark=True)
    window = GraspWindow(grasps)
    window.show()
    return int(qt.exec())
