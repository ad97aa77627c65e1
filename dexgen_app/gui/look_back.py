"""The last minute of a live session, to look at again without a recording."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from dexgen_app.gui.timeline import Timeline

SPAN_S = 60.0


class LookBack(QObject):
    """Feeds the timeline while nothing is reviewed; dragging it back shows what was.

    Args:
        timeline: The timeline.
        allowed: Whether looking back is allowed now; it is not while the hand may move.
        parent: Owner.

    Signals:
        row_shown: A row of the past.
        changed: Whether the past is shown.
    """

    row_shown = pyqtSignal(object)
    changed = pyqtSignal(bool)

    def __init__(self, timeline: Timeline, allowed: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._timeline, self._allowed = timeline, allowed
        self._chunks: deque[np.ndarray] = deque()
        self._frozen: np.ndarray | None = None
        self._enabled = False
        timeline.live_changed.connect(self._on_live)
        timeline.position_changed.connect(self._on_position)
        self.set_enabled(True)

    @property
    def active(self) -> bool:
        """Whether the past is shown."""
        return self._frozen is not None

    def set_enabled(self, enabled: bool) -> None:
        """Use the timeline, or leave it to a review."""
        self._frozen = None
        self._enabled = enabled
        if enabled:
            self._timeline.set_review(False)
            self._timeline.set_events(())
            self._timeline.set_duration(self._seconds())
            self._timeline.track.setEnabled(True)
        self._timeline.set_live(enabled)

    def clear(self) -> None:
        """Forget the past: another session begins."""
        self._chunks.clear()
        self.follow()
        if self._enabled:
            self._timeline.set_duration(0.0)

    def follow(self) -> None:
        """Show the live hand again."""
        if self._enabled:
            self._timeline.set_live(True)

    def add(self, rows: np.ndarray) -> None:
        """Take rows of the state ring."""
        self._chunks.append(rows)
        newest = int(rows["stamp_ns"][-1])
        while newest - int(self._chunks[0]["stamp_ns"][-1]) > SPAN_S * 1e9:
            self._chunks.popleft()
        if self._enabled and self._frozen is None:
            self._timeline.extend(self._seconds())

    def _seconds(self) -> float:
        if not self._chunks:
            return 0.0
        first, last = self._chunks[0]["stamp_ns"][0], self._chunks[-1]["stamp_ns"][-1]
        return min(float(last - first) / 1e9, SPAN_S)

    def _on_live(self, live: bool) -> None:
        if not self._enabled:
            return
        if live:
            was, self._frozen = self._frozen, None
            if was is not None:
                self.changed.emit(False)
        elif self._allowed() and self._chunks:
            self._frozen = np.concatenate(list(self._chunks))
            self.changed.emit(True)

    def _on_position(self, seconds: float) -> None:
        if not self._enabled:
            return
        if self._frozen is None:
            if not self._timeline.live:
                self._timeline.set_live(True)
            return
        if seconds >= self._timeline.duration - 0.05:
            self._timeline.set_live(True)
            return
        stamps = self._frozen["stamp_ns"]
        index = int(np.searchsorted(stamps, stamps[-1] - (self._timeline.duration - seconds) * 1e9))
        self.row_shown.emit(self._frozen[min(index, len(stamps) - 1)])
