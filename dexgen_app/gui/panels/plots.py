"""Live plots: a plot for each finger, a colour for each joint, its target dashed."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QColor, QResizeEvent
from PyQt6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from dexgen_app.gui import theme
from dexgen_app.gui.widgets import tool
from dexgen_app.spec import HandSpec

CAPACITY = 60 * 30
_INTERVAL_MS = 33
_MAX_POINTS = 360
_DASHED_FROM = 430
"""Width from which the legend has room for the target [px]."""
QUANTITIES = {
    "Position": ("position", "target", "°"),
    "Velocity": ("velocity", "", "rad/s"),
    "Torque": ("effort", "", "N m"),
}


class History:
    """The newest rows' plotted fields, in arrays that are allocated once."""

    def __init__(self, joints: int, capacity: int = CAPACITY) -> None:
        self._time = np.zeros(2 * capacity)
        self._data = {
            name: np.full((2 * capacity, joints), np.nan, np.float32)
            for name in ("position", "target", "velocity", "effort")
        }
        self._capacity, self._end = capacity, 0

    def add(self, rows: np.ndarray) -> None:
        """Take rows of the state ring."""
        rows = rows[-self._capacity :]
        rows = rows[np.isfinite(rows["position"]).all(axis=1)]
        count = len(rows)
        if self._end + count > 2 * self._capacity:
            keep = self._capacity - count
            for array in (self._time, *self._data.values()):
                array[:keep] = array[self._end - keep : self._end].copy()
            self._end = keep
        part = slice(self._end, self._end + count)
        self._time[part] = rows["stamp_ns"] / 1e9
        for name, array in self._data.items():
            # A curve cannot skip what is not there: no target is drawn on the position.
            stand_in = rows["position"] if name == "target" else 0.0
            array[part] = np.where(np.isfinite(rows[name]), rows[name], stand_in)
        self._end += count

    def last(self, name: str, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """Return times before now [s], shape (n,), and a field, shape (n, joints)."""
        times = self._time[: self._end]
        if not len(times):
            return times, self._data[name][:0]
        start = int(np.searchsorted(times, times[-1] - seconds))
        step = max((self._end - start) // _MAX_POINTS, 1)
        # A fixed phase keeps the chosen samples from flickering as new ones arrive.
        start += -start % step
        picked = slice(start, self._end, step)
        return times[picked] - times[-1], self._data[name][picked]


class FingerPlot(pg.PlotWidget):
    """One finger's curves."""

    def __init__(self, title: str, joints: tuple[str, ...]) -> None:
        super().__init__()
        self.joints = joints
        self._title = title
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(False, False)
        item.setContentsMargins(2, 0, 6, 0)
        self.setMinimumSize(120, 90)
        self._grid = pg.GridItem(textPen=None)
        item.addItem(self._grid)
        self.actual = [pg.PlotCurveItem(skipFiniteCheck=True) for _ in joints]
        self.target = [pg.PlotCurveItem(skipFiniteCheck=True) for _ in joints]
        for curve in (*self.target, *self.actual):
            item.addItem(curve)
        theme.follow(self, self._restyle)

    def _restyle(self) -> None:
        c = theme.colors()
        self.setBackground(c.panel)
        item = self.getPlotItem()
        item.setTitle(self._title, color=c.text, size="9pt")
        self._grid.setPen(pg.mkPen(c.grid))
        for name in ("left", "bottom"):
            axis = item.getAxis(name)
            axis.setPen(pg.mkPen(c.border))
            axis.setTextPen(pg.mkPen(c.muted))
            axis.setStyle(tickLength=-3, tickTextOffset=4)
        item.getAxis("left").setWidth(34)
        item.getAxis("bottom").setHeight(20)
        for i, (actual, target) in enumerate(zip(self.actual, self.target)):
            color = c.curves[i % len(c.curves)]
            actual.setPen(pg.mkPen(color, width=1))
            dash = QColor(theme.blend(color, c.panel, 0.35))
            target.setPen(pg.mkPen(dash, width=1, style=Qt.PenStyle.DashLine))


class PlotsPanel(QWidget):
    """A grid of finger plots with a shared legend."""

    def __init__(self, seconds: float = 8.0) -> None:
        super().__init__()
        self._hand: HandSpec | None = None
        self._history: History | None = None
        self.plots: list[FingerPlot] = []
        self._columns: list[list[int]] = []
        self._ranges: list[tuple[float, float]] = []
        self.quantity = QComboBox()
        self.quantity.addItems(list(QUANTITIES))
        self.quantity.setAccessibleName("Quantity")
        self.quantity.currentTextChanged.connect(self._on_quantity)
        self.span = QComboBox()
        for value in (4, 8, 15, 30):
            self.span.addItem(f"{value} s", float(value))
        self.span.setAccessibleName("Time shown")
        self.span.setCurrentIndex(max(self.span.findData(seconds), 1))
        self.pause = tool("mdi6.pause", "Pause the plots", flat=True, checkable=True)
        self._legend = QLabel()
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setMinimumWidth(10)
        head = QHBoxLayout()
        head.setContentsMargins(12, 7, 8, 3)
        head.setSpacing(6)
        head.addWidget(self.quantity)
        head.addWidget(self.span)
        head.addSpacing(6)
        head.addWidget(self._legend, 1)
        head.addWidget(self.pause)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(4, 0, 6, 4)
        self._grid.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setFocusProxy(self.quantity)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(self._grid, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self._fresh = False
        theme.notifier().changed.connect(self._show_legend)

    def set_hand(self, hand: HandSpec) -> None:
        """Make a plot for each finger of ``hand``."""
        if self._hand is not None and self._hand.joint_names == hand.joint_names:
            self._history = History(hand.joint_count)
            return
        self._hand = hand
        self._history = History(hand.joint_count)
        for plot in self.plots:
            self._grid.removeWidget(plot)
            plot.deleteLater()
        self.plots, self._columns = [], []
        across = 1 if len(hand.fingers) < 3 else 2
        for i, finger in enumerate(hand.fingers):
            plot = FingerPlot(finger.name, finger.joints)
            self.plots.append(plot)
            self._columns.append([hand.joint_index(name) for name in finger.joints])
            self._grid.addWidget(plot, i // across, i % across)
        self._on_quantity()
        self._show_legend()

    def add_rows(self, rows: np.ndarray) -> None:
        """Take rows of the state ring."""
        if self._history is None or self._hand is None or not len(rows):
            return
        if rows["position"].shape[1] == self._hand.joint_count:
            self._history.add(rows)
            self._fresh = True

    def show_past(self, rows: np.ndarray) -> None:
        """Show rows of a recording, the last one at the right end."""
        if self._hand is not None:
            self._history = History(self._hand.joint_count)
            self.add_rows(rows)

    def refresh(self) -> None:
        """Draw what is new, if anybody can see it."""
        if not self._fresh or not self.isVisible() or self.pause.isChecked():
            return
        if self._history is None:
            return
        self._fresh = False
        field, target, _ = QUANTITIES[self.quantity.currentText()]
        seconds = float(self.span.currentData())
        scale = 180.0 / math.pi if field == "position" else 1.0
        times, values = self._history.last(field, seconds)
        wanted = self._history.last(target, seconds)[1] if target else None
        for plot, columns in zip(self.plots, self._columns):
            plot.setXRange(-seconds, 0.0, padding=0)
            for curve, dashed, column in zip(plot.actual, plot.target, columns):
                curve.setData(times, values[:, column] * scale)
                if wanted is not None:
                    dashed.setData(times, wanted[:, column] * scale)

    def _on_quantity(self, _text: str = "") -> None:
        hand = self._hand
        if hand is None:
            return
        field, target, unit = QUANTITIES[self.quantity.currentText()]
        for plot, columns in zip(self.plots, self._columns):
            if field == "position":
                low = math.degrees(min(hand.lower[i] for i in columns))
                high = math.degrees(max(hand.upper[i] for i in columns))
            else:
                source = hand.max_speed if field == "velocity" else hand.max_effort
                high = max(source[i] for i in columns)
                low = -high
            plot.setYRange(low, high, padding=0.04)
            plot.setToolTip(f"{self.quantity.currentText()} [{unit}]")
            for dashed in plot.target:
                dashed.setVisible(bool(target))
        self._fresh = True

    def _show_legend(self) -> None:
        if self._hand is None:
            return
        c = theme.colors()
        longest = max(len(finger.joints) for finger in self._hand.fingers)
        parts = [
            f"<span style='color:{c.curves[i % len(c.curves)]}'>━</span>&nbsp;{i + 1}"
            for i in range(longest)
        ]
        dashed = "&nbsp;&nbsp; ┅&nbsp;target" if self.width() >= _DASHED_FROM else ""
        self._legend.setText(
            f"<span style='color:{c.muted}'>{'&nbsp; '.join(parts)}{dashed}</span>"
        )

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Leave out of the legend what does not fit."""
        super().resizeEvent(event)
        self._show_legend()
