"""Joints: target, actual, torque and temperature of each, against its limits, and sliders."""

from __future__ import annotations

import math

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSlider, QVBoxLayout, QWidget

from dexgen_app.gui import theme
from dexgen_app.gui.widgets import button
from dexgen_app.spec import HandSpec

COLUMNS = (("target", 44), ("actual", 46), ("N m", 52), ("°C", 30))
_NUMBERS_WIDTH = sum(width for _, width in COLUMNS)
_NAME_WIDTH = 44
_ROW_HEIGHT = 22


def _text(form: str, value: float) -> str:
    """Return a number with a real minus sign and without a negative zero."""
    if value != value:
        return "\N{EN DASH}"
    text = form.format(value)
    if not any(digit in text for digit in "123456789"):
        text = text.removeprefix("-")
    return text.replace("-", "\N{MINUS SIGN}")


class JointRow(QWidget):
    """One joint: a bar between its limits with the measured angle, the target and a handle.

    Signals:
        moved: The person dragged the handle to an angle [rad].
        picked: The row was chosen.
    """

    moved = pyqtSignal(float)
    picked = pyqtSignal()

    def __init__(self, name: str, lower: float, upper: float, effort: float, hot: float) -> None:
        super().__init__()
        self.name, self.lower, self.upper = name, lower, upper
        self._max_effort, self._hot = effort, hot
        self.position = self.target = self.effort = self.temperature = math.nan
        self.value = math.nan
        self.manual = False
        self.setFixedHeight(_ROW_HEIGHT)
        self.setMinimumWidth(_NAME_WIDTH + 70 + _NUMBERS_WIDTH)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"Joint {name}")
        self.setToolTip(
            f"{name}: {math.degrees(lower):.0f}° to {math.degrees(upper):.0f}°, "
            f"up to {effort:g} N m"
        )

    def show_state(self, position: float, target: float, effort: float, temperature: float) -> None:
        """Show a measurement [rad, rad, N m, deg C]; NaN stands for unknown."""
        new = (position, target, effort, temperature)
        old = (self.position, self.target, self.effort, self.temperature)
        if all(abs(a - b) < 5e-4 or (a != a and b != b) for a, b in zip(new, old)):
            return
        self.position, self.target, self.effort, self.temperature = new
        self.update()

    def set_manual(self, manual: bool) -> None:
        """Offer or hide the handle."""
        self.manual = manual
        self.setCursor(Qt.CursorShape.SizeHorCursor if manual else Qt.CursorShape.ArrowCursor)
        self.update()

    def set_value(self, value: float, announce: bool = False) -> None:
        """Put the handle at an angle [rad]."""
        value = min(max(value, self.lower), self.upper)
        if value != self.value:
            self.value = value
            self.update()
            if announce:
                self.moved.emit(value)

    def bar(self) -> QRectF:
        """Return where the bar is drawn."""
        width = self.width() - 10 - _NUMBERS_WIDTH - _NAME_WIDTH - 18
        return QRectF(_NAME_WIDTH + 12, self.height() / 2 - 4, max(width, 40), 8)

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return QSize(400, _ROW_HEIGHT)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Choose the row and, with a handle, move it."""
        self.picked.emit()
        self._drag(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the handle."""
        self._drag(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move the handle with the arrow keys, a degree or with Shift ten degrees."""
        if event is None:
            return
        step = math.radians(10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        moves = {
            Qt.Key.Key_Left: self.value - step,
            Qt.Key.Key_Right: self.value + step,
            Qt.Key.Key_Home: self.lower,
            Qt.Key.Key_End: self.upper,
        }
        key = Qt.Key(event.key())
        if self.manual and key in moves and math.isfinite(self.value):
            self.set_value(moves[key], announce=True)
        elif key == Qt.Key.Key_Up:
            self.focusPreviousChild()
        elif key == Qt.Key.Key_Down:
            self.focusNextChild()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the row."""
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hasFocus() or self.underMouse():
            painter.fillRect(self.rect(), QColor(c.raised))
        height = self.height()
        painter.setPen(QColor(c.text if self.hasFocus() else theme.blend(c.text, c.muted, 0.4)))
        left = QRectF(12, 0, _NAME_WIDTH, height)
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, self.name)
        self._paint_bar(painter, c)
        numbers = (
            (math.degrees(self.target), "{:.0f}°", c.muted),
            (math.degrees(self.position), "{:.0f}°", c.text),
            (self.effort, "{:.2f}", self._alarm(abs(self.effort) / self._max_effort, 0.8, 0.97)),
            (self.temperature, "{:.0f}", self._alarm(self.temperature / self._hot, 0.85, 0.97)),
        )
        x = self.width() - 10 - _NUMBERS_WIDTH
        for (_, width), (value, form, color) in zip(COLUMNS, numbers):
            box = QRectF(x, 0, width, height)
            painter.setPen(QColor(color if value == value else c.muted))
            text = _text(form, value)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
            x += width

    def _paint_bar(self, painter: QPainter, c: theme.Colors) -> None:
        bar = self.bar()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.grid if c.dark else c.border))
        painter.drawRoundedRect(bar, 3, 3)
        if self.lower < 0 < self.upper:
            zero = self._x(0.0)
            painter.setBrush(QColor(c.muted))
            painter.drawRect(QRectF(zero - 0.5, bar.top() - 1, 1, bar.height() + 2))
        else:
            zero = bar.left()
        if math.isfinite(self.position):
            x = self._x(self.position)
            near = min(self.position - self.lower, self.upper - self.position)
            tight = near < 0.02 * (self.upper - self.lower)
            painter.setBrush(QColor(c.warn if tight else c.accent))
            painter.drawRoundedRect(
                QRectF(min(zero, x), bar.top(), max(abs(x - zero), 2), bar.height()), 2, 2
            )
        if math.isfinite(self.target):
            x = self._x(self.target)
            painter.setPen(QPen(QColor(c.text), 1.6))
            painter.drawLine(QPointF(x, bar.top() - 3), QPointF(x, bar.bottom() + 3))
        if self.manual and math.isfinite(self.value):
            x = self._x(self.value)
            painter.setPen(QPen(QColor(c.panel), 1))
            painter.setBrush(QColor(c.warn))
            y = bar.bottom()
            painter.drawPolygon(
                QPolygonF([QPointF(x, y - 3), QPointF(x + 5, y + 5), QPointF(x - 5, y + 5)])
            )

    def _x(self, angle: float) -> float:
        bar = self.bar()
        part = (angle - self.lower) / (self.upper - self.lower)
        return bar.left() + min(max(part, 0.0), 1.0) * bar.width()

    def _drag(self, event: QMouseEvent | None) -> None:
        if event is None or not self.manual or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        bar = self.bar()
        if event.position().x() < bar.left() - 8 or event.position().x() > bar.right() + 8:
            return
        part = (event.position().x() - bar.left()) / bar.width()
        self.set_value(self.lower + part * (self.upper - self.lower), announce=True)

    @staticmethod
    def _alarm(part: float, warn: float, bad: float) -> str:
        c = theme.colors()
        return c.bad if part >= bad else c.warn if part >= warn else c.text


class JointsPanel(QWidget):
    """Every joint of the hand, grouped by finger.

    Signals:
        positions_wanted: Targets for all joints [rad], from the sliders.
        joint_picked: Name of the joint that was chosen.
    """

    positions_wanted = pyqtSignal(object)
    joint_picked = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._hand: HandSpec | None = None
        self.rows: list[JointRow] = []
        self._manual = False
        self._head = _Header()
        self._tools = QWidget()
        self._close = QSlider(Qt.Orientation.Horizontal)
        self._close.setRange(0, 100)
        self._close.setAccessibleName("Close the hand")
        self._close.setToolTip("From the open pose to the grasp pose")
        self._close.valueChanged.connect(self._on_close)
        home, grasp = (
            button("Open", tip="All joints to the open pose"),
            button("Grasp", tip="All joints to the grasp pose"),
        )
        here = button("Here", tip="All handles to the measured pose")
        home.clicked.connect(lambda: self._close.setValue(0) or self._on_close(0))
        grasp.clicked.connect(lambda: self._close.setValue(100) or self._on_close(100))
        here.clicked.connect(self.take_measured)
        row = QHBoxLayout(self._tools)
        row.setContentsMargins(12, 6, 10, 6)
        for item in (home, self._close, grasp, here):
            row.addWidget(item, 1 if item is self._close else 0)
        self._list = QWidget(objectName="sheet")
        self._rows_layout = QVBoxLayout(self._list)
        self._rows_layout.setContentsMargins(0, 0, 0, 8)
        self._rows_layout.setSpacing(0)
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._list)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(self._tools)
        self._tools.hide()
        self._skip = 0

    def set_hand(self, hand: HandSpec) -> None:
        """Make a row for each joint of ``hand``."""
        self._hand = hand
        while (item := self._rows_layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        by_name: dict[str, JointRow] = {}
        listed: set[str] = set()
        for finger in hand.fingers:
            self._add_group(finger.name, finger.joints, by_name)
            listed.update(finger.joints)
        rest = tuple(name for name in hand.joint_names if name not in listed)
        if rest:
            self._add_group("other", rest, by_name)
        self._rows_layout.addStretch(1)
        self.rows = [by_name[name] for name in hand.joint_names]
        for row, angle in zip(self.rows, hand.home):
            row.set_value(angle)
        self.set_manual(self._manual)
        self.setFocusProxy(self.rows[0])

    def _add_group(self, title: str, names: tuple[str, ...], rows: dict[str, JointRow]) -> None:
        hand = self._hand
        assert hand is not None
        label = QLabel(title.upper(), objectName="caption")
        label.setContentsMargins(12, 7, 0, 2)
        self._rows_layout.addWidget(label)
        for name in names:
            i = hand.joint_index(name)
            row = JointRow(
                name, hand.lower[i], hand.upper[i], hand.max_effort[i], hand.max_temperature
            )
            row.moved.connect(self._announce)
            row.picked.connect(lambda n=name: self.joint_picked.emit(n))
            rows[name] = row
            self._rows_layout.addWidget(row)

    def set_manual(self, manual: bool) -> None:
        """Show the handles (the device is ``sliders``) or hide them."""
        self._manual = manual
        self._tools.setVisible(manual)
        for row in self.rows:
            row.set_manual(manual)

    def show_row(self, row: np.void) -> None:
        """Show a row of the state ring; every second one is enough for the eye."""
        self._skip = (self._skip + 1) % 2
        if self._skip or not self.isVisible() or len(row["position"]) != len(self.rows):
            return
        columns = (row["position"], row["target"], row["effort"], row["temperature"])
        for widget, *values in zip(self.rows, *(column.tolist() for column in columns)):
            widget.show_state(*values)

    def take_measured(self) -> None:
        """Put every handle where its joint is."""
        for row in self.rows:
            if math.isfinite(row.position):
                row.set_value(row.position)
        self._announce()

    def follow_held(self) -> None:
        """Put every handle where the hand holds its joint, without moving it."""
        for row in self.rows:
            angle = row.target if math.isfinite(row.target) else row.position
            if math.isfinite(angle):
                row.set_value(angle)

    def set_positions(self, positions: np.ndarray) -> None:
        """Put the handles at ``positions`` [rad] and announce them."""
        for row, angle in zip(self.rows, positions):
            row.set_value(float(angle))
        self._announce()

    def positions(self) -> np.ndarray:
        """Return the handles' angles [rad]."""
        return np.array([row.value for row in self.rows])

    def _announce(self, _angle: float = 0.0) -> None:
        if self._manual and self.rows:
            self.positions_wanted.emit(self.positions())

    def _on_close(self, percent: int) -> None:
        if self._hand is not None:
            home, grasp = np.array(self._hand.home), np.array(self._hand.grasp)
            self.set_positions(home + (grasp - home) * percent / 100.0)


class _Header(QWidget):
    """Names of the columns."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(24)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the names where the rows have their numbers."""
        painter = QPainter(self)
        c = theme.colors()
        font = self.font()
        font.setPointSizeF(font.pointSizeF() - 1)
        painter.setFont(font)
        painter.setPen(QColor(c.muted))
        painter.drawText(QRectF(12, 0, 80, 24), Qt.AlignmentFlag.AlignVCenter, "joint")
        x = self.width() - 10 - _NUMBERS_WIDTH
        for name, width in COLUMNS:
            box = QRectF(x, 0, width, 24)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, name)
            x += width
        painter.fillRect(0, 23, self.width(), 1, QColor(c.border))
