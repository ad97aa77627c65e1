"""What is painted over the 3D view: figures, axes, gravity and a banner."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from dexgen_app.errors import DexgenError

if TYPE_CHECKING:
    from dexgen_app.render.palette import Theme

_MARGIN = 12
_AXIS_COLORS = ("#f0605a", "#58c98b", "#5aa2ff")
_GRAVITY_COLOR = "#f2b134"


@dataclass
class Overlay:
    """State of the overlay.

    Attributes:
        theme: ``dark`` or ``light``.
        fps: Pictures in the last second.
        frame_ms: Time that the last picture took [ms].
        preset: Name of the view; empty for a free camera.
        following: Whether the camera is fixed to the palm.
        selected: Name of the selected link, empty if none.
        banner: Text of the banner, empty for none.
        banner_fraction: Progress from 0 to 1, or None if it is not known.
        axes: Columns are the hand's axes in the camera's frame, shape (3, 3); None hides them.
        down: Direction of gravity in the camera's frame, shape (3,).
    """

    theme: Theme = "dark"
    fps: float = 0.0
    frame_ms: float = 0.0
    preset: str = ""
    following: bool = False
    selected: str = ""
    banner: str = ""
    banner_fraction: float | None = None
    axes: np.ndarray | None = None
    down: np.ndarray = field(default_factory=lambda: np.array([0.0, -1.0, 0.0]))

    @property
    def background(self) -> QColor:
        """Colour of the view before the first picture."""
        return QColor("#1b1f26" if self.theme == "dark" else "#e6eaf0")

    @property
    def ink(self) -> QColor:
        """Colour of text."""
        return QColor("#d5dbe4" if self.theme == "dark" else "#2b323c")

    @property
    def faint(self) -> QColor:
        """Colour of less important text."""
        return QColor("#8e99a8" if self.theme == "dark" else "#66707e")


def paint_overlay(painter: QPainter, area: QRect, overlay: Overlay) -> None:
    """Paint figures and names into the corners, and the banner."""
    font = QFont(painter.font())
    font.setPixelSize(12)
    painter.setFont(font)
    view = overlay.preset or "free"
    painter.setPen(overlay.faint)
    left = area.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
    follow = " · follows palm" if overlay.following else ""
    painter.drawText(left, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, view + follow)
    figures = f"{overlay.fps:.0f} fps · {overlay.frame_ms:.0f} ms"
    painter.drawText(left, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight, figures)
    if overlay.selected:
        painter.setPen(QColor("#ff9a2e" if overlay.theme == "dark" else "#c25e00"))
        below = left.adjusted(0, 18, 0, 0)
        painter.drawText(
            below, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, overlay.selected
        )
    if overlay.axes is not None:
        _paint_axes(painter, area, overlay)
    if overlay.banner:
        _paint_banner(painter, area, overlay)


def paint_problem(painter: QPainter, area: QRect, problem: DexgenError, overlay: Overlay) -> None:
    """Say why there is no picture and what to do about it; the banner still shows."""
    painter.fillRect(area, overlay.background)
    box = area.adjusted(area.width() // 8, 0, -area.width() // 8, 0)
    painter.setPen(overlay.ink)
    text = f"No 3D picture: {problem.what}.\n\n{problem.remedy}."
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
    if overlay.banner:
        _paint_banner(painter, area, overlay)


def _paint_axes(painter: QPainter, area: QRect, overlay: Overlay) -> None:
    """Paint the hand's axes and gravity as seen by the camera, in the lower left corner."""
    assert overlay.axes is not None
    centre = QPointF(area.left() + 52, area.bottom() - 62)
    arrows = [
        (overlay.axes[:, k], name, _AXIS_COLORS[k], 28.0) for k, name in enumerate(("x", "y", "z"))
    ]
    arrows.append((overlay.down, "g", _GRAVITY_COLOR, 36.0))
    for axis, name, code, length in sorted(arrows, key=lambda arrow: arrow[0][2]):
        color = QColor(code)
        color.setAlphaF(0.55 + 0.45 * max(0.0, min(1.0, 0.5 + 0.5 * float(axis[2]))))
        flat = QPointF(float(axis[0]), -float(axis[1]))
        tip = centre + flat * length
        painter.setPen(QPen(color, 2.4, cap=Qt.PenCapStyle.RoundCap))
        painter.drawLine(centre, tip)
        size = (flat.x() ** 2 + flat.y() ** 2) ** 0.5
        if size > 0.25:
            along, across = flat / size, QPointF(-flat.y(), flat.x()) / size
            painter.setBrush(color)
            painter.setPen(Qt.PenStyle.NoPen)
            head = [tip + along * 5, tip - along * 3 + across * 4, tip - along * 3 - across * 4]
            painter.drawPolygon(QPolygonF(head))
        painter.setPen(color)
        place = centre + flat * (length + 13.0)
        spot = QRectF(place.x() - 8, place.y() - 8, 16, 16)
        painter.drawText(spot, Qt.AlignmentFlag.AlignCenter, name)


def _paint_banner(painter: QPainter, area: QRect, overlay: Overlay) -> None:
    """Paint the banner with its progress bar, near the top."""
    metrics = QFontMetricsF(painter.font())
    percent = "" if overlay.banner_fraction is None else f"  {overlay.banner_fraction:.0%}"
    text = overlay.banner + percent
    width = min(max(260.0, metrics.horizontalAdvance(text) + 48.0), area.width() - 24.0)
    box = QRectF(area.center().x() - width / 2, area.top() + 40, width, 46)
    dark = overlay.theme == "dark"
    painter.setPen(QPen(QColor(255, 255, 255, 28) if dark else QColor(0, 0, 0, 30), 1))
    painter.setBrush(QColor(20, 24, 31, 225) if dark else QColor(255, 255, 255, 235))
    painter.drawRoundedRect(box, 10, 10)
    painter.setPen(overlay.ink)
    line = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width - 32)
    painter.drawText(box.adjusted(16, 8, -16, -18), Qt.AlignmentFlag.AlignCenter, line)
    track = QRectF(box.left() + 16, box.bottom() - 13, width - 32, 4)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(128, 140, 158, 70))
    painter.drawRoundedRect(track, 2, 2)
    if overlay.banner_fraction is None:
        phase = (time.monotonic() * 0.6) % 1.0
        bar = QRectF(track)
        bar.setWidth(track.width() * 0.25)
        bar.moveLeft(track.left() + (track.width() - bar.width()) * (1 - abs(2 * phase - 1)))
    else:
        bar = QRectF(track)
        bar.setWidth(max(4.0, track.width() * min(1.0, max(0.0, overlay.banner_fraction))))
    painter.setBrush(QColor("#39a0ff"))
    painter.drawRoundedRect(bar, 2, 2)
