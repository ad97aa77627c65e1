"""Runs slow work, such as reading files, in a thread and hands the results to the window's."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, QTimer

_POLL_MS = 30

Work = Callable[[], Any]
Done = Callable[[Any], None]


class Background(QObject):
    """One thread that does one thing after another.

    The thread never touches Qt: results wait in a queue until the window's thread fetches them.

    Args:
        parent: Owner; ``done`` is not called any more once it is gone.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: queue.SimpleQueue[tuple[Work, Done]] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Done, Any]] = queue.SimpleQueue()
        self._pending = 0
        self._thread: threading.Thread | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._deliver)

    def submit(self, work: Work, done: Done) -> None:
        """Do ``work`` in the thread, then ``done`` with its result, or its exception, in this."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=_loop, args=(self._jobs, self._results), name="background", daemon=True
            )
            self._thread.start()
        self._pending += 1
        self._jobs.put((work, done))
        self._timer.start()

    def wait(self, seconds: float = 10.0) -> bool:
        """Wait until everything is done and delivered; return whether it is."""
        end = time.monotonic() + seconds
        while self._pending and time.monotonic() < end:
            time.sleep(0.005)
            self._deliver()
        return not self._pending

    def _deliver(self) -> None:
        while not self._results.empty():
            done, result = self._results.get()
            self._pending -= 1
            done(result)
        if not self._pending:
            self._timer.stop()


def _loop(
    jobs: queue.SimpleQueue[tuple[Work, Done]], results: queue.SimpleQueue[tuple[Done, Any]]
) -> None:
    while True:
        work, done = jobs.get()
        try:
            result = work()
        except Exception as error:
            result = error
        results.put((done, result))
        del work, done, result
