"""The timeline's track: position, event ticks and the marked range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dexgen_app.gui import theme

EventKind = Literal["state", "episode", "clip", "note", "fault"]
_EDGE = 10
_GROOVE_Y = 17.0
_SNAP_PX = 5.0


@dataclass(frozen=True)
class TimelineEvent:
    """A tick on the track.

    Attributes:
        time_s: Seconds from the start.
        kind: Chooses the colour.
        text: What the tooltip says.
        end_s: End of an event that lasts, such as an episode; negative for a moment.
    """

    time_s: float
    kind: EventKind
    text: str
    end_s: float = -1.0


class TimelineTrack(QWidget):
    """A bar that is dragged to a time. Times are seconds from 0 to ``duration``.

    Signals:
        dragged: The user chose a time.
        range_dragged: The user moved the in or the out mark.
    """

    dragged = pyqtSignal(float)
    range_dragged = pyqtSignal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Timeline")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setMinimumWidth(120)
        self.duration = 0.0
        self.position = 0.0
        self.mark_in = 0.0
        self.mark_out = 0.0
        self.events: tuple[TimelineEvent, ...] = ()
        self._grip: Literal["position", "in", "out"] | None = None
        theme.notifier().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return QSize(320, 34)

    def x_of(self, time_s: float) -> float:
        """Return the place of a time in the widget [pixels]."""
        span = max(1.0, self.width() - 2.0 * _EDGE)
        share = time_s / self.duration if self.duration > 0.0 else 0.0
        return _EDGE + span * min(1.0, max(0.0, share))

    def time_at(self, x: float) -> float:
        """Return the time at a place in the widget [s]."""
        span = max(1.0, self.width() - 2.0 * _EDGE)
        return self.duration * min(1.0, max(0.0, (x - _EDGE) / span))

    def event_at(self, x: float) -> TimelineEvent | None:
        """Return the nearest event within a few pixels, or the lasting one that covers ``x``."""
        near = [(abs(self.x_of(e.time_s) - x), i) for i, e in enumerate(self.events)]
        near = [(gap, i) for gap, i in near if gap <= _SNAP_PX]
        if near:
            return self.events[min(near)[1]]
        time = self.time_at(x)
        for event in self.events:
            if event.end_s > event.time_s and event.time_s <= time <= event.end_s:
                return event
        return None

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the track."""
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        left, right, here = self.x_of(0.0), self.width() - _EDGE, self.x_of(self.position)
        groove = QRectF(left, _GROOVE_Y - 2, right - left, 4)
        painter.setBrush(QColor(colors.border))
        painter.drawRoundedRect(groove, 2, 2)
        start, stop = self.x_of(self.mark_in), self.x_of(self.mark_out)
        if self.duration > 0.0:
            painter.setBrush(_faded(colors.accent, 0.35))
            painter.drawRoundedRect(QRectF(start, _GROOVE_Y - 2, stop - start, 4), 2, 2)
            painter.setBrush(QColor(colors.accent))
            played = QRectF(start, _GROOVE_Y - 2, max(0.0, min(here, stop) - start), 4)
            painter.drawRoundedRect(played, 2, 2)
        self._paint_events(painter)
        if self.duration > 0.0:
            self._paint_mark(painter, start, 1.0)
            self._paint_mark(painter, stop, -1.0)
        painter.setPen(QPen(QColor(colors.panel), 2))
        painter.setBrush(QColor(colors.text if self.isEnabled() else colors.muted))
        painter.drawEllipse(QPointF(here, _GROOVE_Y), 6.5, 6.5)
        painter.end()

    def _paint_events(self, painter: QPainter) -> None:
        colors = theme.colors()
        tints = {
            "state": colors.accent,
            "episode": colors.ok,
            "clip": colors.warn,
            "note": colors.text,
            "fault": colors.bad,
        }
        painter.setPen(Qt.PenStyle.NoPen)
        for event in self.events:
            x = self.x_of(event.time_s)
            tint = tints.get(event.kind, colors.muted)
            if event.end_s > event.time_s:
                width = max(2.0, self.x_of(event.end_s) - x)
                low = event.kind == "clip"
                painter.setBrush(_faded(tint, 0.75))
                painter.drawRoundedRect(QRectF(x, 27.0 if low else 4.0, width, 3), 1.5, 1.5)
            else:
                painter.setBrush(QColor(tint))
                painter.drawRoundedRect(QRectF(x - 1, 5, 2, 7), 1, 1)

    def _paint_mark(self, painter: QPainter, x: float, side: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colors().accent))
        corners = [(0, -9), (0, 9), (-2 * side, 9), (-2 * side, -9)]
        painter.drawPolygon(QPolygonF([QPointF(x + dx, _GROOVE_Y + dy) for dx, dy in corners]))
        flag = [(0, -9), (5 * side, -9), (0, -4)]
        painter.drawPolygon(QPolygonF([QPointF(x + dx, _GROOVE_Y + dy) for dx, dy in flag]))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take hold of a mark, or of the position."""
        if event is None or event.button() != Qt.MouseButton.LeftButton or self.duration <= 0.0:
            return
        x = event.position().x()
        self._grip = "position"
        if abs(x - self.x_of(self.position)) > _SNAP_PX:
            # Outside the range, so that a mark on top of the position can be told from it.
            if -2 * _SNAP_PX <= x - self.x_of(self.mark_in) <= _SNAP_PX / 2:
                self._grip = "in"
            elif -_SNAP_PX / 2 <= x - self.x_of(self.mark_out) <= 2 * _SNAP_PX:
                self._grip = "out"
        self._drag_to(x)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag what is held."""
        if event is not None and self._grip is not None:
            self._drag_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go."""
        self._grip = None

    def _drag_to(self, x: float) -> None:
        time = self.time_at(x)
        if self._grip == "position":
            self.dragged.emit(time)
        elif self._grip == "in":
            self.range_dragged.emit(min(time, self.mark_out), self.mark_out)
        elif self._grip == "out":
            self.range_dragged.emit(self.mark_in, max(time, self.mark_in))

    def event(self, event: QEvent | None) -> bool:
        """Name the event under the pointer in a tooltip."""
        if isinstance(event, QHelpEvent):
            hit = self.event_at(event.pos().x())
            text = f"{hit.time_s:.2f} s  {hit.text}" if hit else ""
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)


def _faded(code: str, alpha: float) -> QColor:
    color = QColor(code)
    color.setAlphaF(alpha)
    return color
