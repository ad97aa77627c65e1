"""Sends over a pipe without ever waiting for the other side."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import Any

from dexgen_app.live.protocol import DeviceInput, LogLine, Progress, ReplayStatus

_DROPPABLE = (LogLine, Progress, DeviceInput, ReplayStatus)


class Outbox:
    """A bounded queue with a thread that writes it into a pipe.

    When the other side does not read, the pipe fills, the thread waits and the queue takes
    what comes; beyond its bound it loses log lines and the like, never anything that matters.

    Args:
        connection: The writing end of a pipe.
        bound: Number of messages above which droppable ones are dropped.
    """

    def __init__(self, connection: Connection, bound: int = 2000) -> None:
        self._connection = connection
        self._bound = bound
        self._queue: deque[Any] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def put(self, message: Any) -> None:
        """Queue a message; returns at once."""
        with self._wake:
            if len(self._queue) >= self._bound and isinstance(message, _DROPPABLE):
                self.dropped += 1
                return
            if len(self._queue) >= 10 * self._bound:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(message)
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closed:
                    self._wake.wait()
                if not self._queue:
                    return
                message = self._queue.popleft()
            # The other side is gone: whoever owns this end notices by its own means.
            with contextlib.suppress(BrokenPipeError, ConnectionError, OSError, ValueError):
                self._connection.send(message)

    def close(self, timeout: float) -> None:
        """Send what is queued, for at most ``timeout`` seconds, and end the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout)


class OutboxHandler(logging.Handler):
    """A log handler that sends records as ``LogLine`` events."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._outbox = outbox

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f" [{type(record.exc_info[1]).__name__}: {record.exc_info[1]}]"
        self._outbox.put(
            LogLine(level=record.levelno, name=record.name, text=text, wall_time=record.created)
        )
