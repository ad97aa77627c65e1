"""Collects garbage in the window's thread only.

Python collects in whichever thread happens to allocate. Widgets and plot items that are freed in
another thread than the one that drew them crash Qt, so threads that read files must never do it.
"""

from __future__ import annotations

import gc

from PyQt6.QtCore import QObject, QTimer

_INTERVAL_MS = 500
_running = 0


class GarbageCollector(QObject):
    """Turns automatic collection off, and collects from a timer of the thread it lives in.

    Args:
        parent: Owner.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        global _running
        super().__init__(parent)
        self._stopped = False
        if not _running:
            gc.disable()
        _running += 1
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect as far as Python's own thresholds ask for it."""
        for generation in (2, 1, 0):
            limit = gc.get_threshold()[generation]
            if limit and gc.get_count()[generation] > limit:
                gc.collect(generation)
                return

    def stop(self) -> None:
        """Collect once more, and let Python collect by itself again after the last window."""
        global _running
        if self._stopped:
            return
        self._stopped = True
        self._timer.stop()
        _running -= 1
        if not _running:
            gc.collect()
            gc.enable()


def freeze() -> None:
    """Leave what exists now, such as modules, out of later collections, which become short."""
    gc.collect()
    gc.freeze()
