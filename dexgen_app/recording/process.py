"""The recorder's process: reads the state ring and the worker's events, writes the session file.

It outlives a worker that is killed just long enough to close the file properly.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from dexgen_app.errors import RecordingError
from dexgen_app.live.ring import StateRing
from dexgen_app.recording.schema import Event, EventKind, Session
from dexgen_app.recording.wire import Wire
from dexgen_app.recording.writer import RecordingWriter

POLL_S = 0.05
CHUNK_S = 0.3
"""A chunk is closed and synced this often; with the poll, under half a second is at risk."""
STATUS_S = 0.25


@dataclass(frozen=True, kw_only=True)
class RecorderJob:
    """What the process needs to know; pickled to it.

    Attributes:
        path: The session file.
        ring_name: Name of the state ring.
        dtype: Record type of the ring's rows.
        session: Metadata of the file.
        since_ns: Rows stamped earlier are not recorded.
    """

    path: str
    ring_name: str
    dtype: np.dtype
    session: Session
    since_ns: int


class _Loop:
    """Copies rows and events into the file until it is told to stop."""

    def __init__(self, job: RecorderJob, wire: Wire) -> None:
        self._job = job
        self._wire = wire
        self._sequence = -1
        self._first = True
        self._dropped = 0
        self._ending = ""
        self._stamp_ns = job.since_ns
        self._ring = StateRing.attach(job.ring_name, job.dtype)
        self._writer = RecordingWriter(job.path, job.session)
        self._writer.write_event(
            Event(job.since_ns, EventKind.RECORDING_BEGIN, {"pid": os.getpid()})
        )
        self._copy_rows()
        self._writer.flush()

    def end(self, reason: str) -> None:
        """Finish after the rows that are there now."""
        self._ending = self._ending or reason

    def run(self) -> None:
        """Record until the end; the file is closed then."""
        next_flush = next_status = 0.0
        while True:
            select.select([self._wire], [], [], 0.0 if self._ending else POLL_S)
            ending = self._ending  # rows and events that came before it are still taken
            for message in self._wire.receive():
                self._handle(message)
            self._copy_rows()
            now = time.monotonic()
            if now >= next_flush:
                self._writer.flush()
                next_flush = now + CHUNK_S
            if now >= next_status:
                self.report(active=True)
                next_status = now + STATUS_S
            if ending:
                break
            if self._wire.closed:
                self.end("the live session's process ended without closing the recording")
        stamp = max(time.monotonic_ns(), self._stamp_ns)
        self._writer.write_event(Event(stamp, EventKind.RECORDING_END, {"reason": ending}))
        self._writer.close()

    def report(self, *, active: bool, error: str = "") -> None:
        """Tell the worker how far it is."""
        self._wire.send(
            {
                "active": active,
                "rows": self._writer.rows,
                "dropped": self._dropped,
                "error": error,
            }
        )

    def _handle(self, message: dict[str, Any]) -> None:
        if "stop" in message:
            self.end("stopped by the user")
            return
        self._writer.write_event(Event(message["stamp_ns"], message["kind"], message["payload"]))

    def _copy_rows(self) -> None:
        rows, dropped = self._ring.read_since(self._sequence)
        if not len(rows):
            return
        self._sequence = int(rows["sequence"][-1])
        if self._first:
            dropped = 0  # the ring went round before the recording began
            self._first = False
        if dropped:
            self._dropped += dropped
            stamp = int(rows["stamp_ns"][0])
            self._writer.write_event(Event(stamp, EventKind.DROPPED, {"rows": dropped}))
        rows = rows[rows["stamp_ns"] >= self._job.since_ns]
        if len(rows):
            self._stamp_ns = int(rows["stamp_ns"][-1])
            self._writer.write_rows(rows)


def record(job: RecorderJob, end: socket.socket) -> None:
    """Run the recorder's process; every way it can fail is told to the worker.

    Args:
        job: What to record, and where.
        end: Socket to the worker.
    """
    wire = Wire(end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's affair
    os.nice(max(0, -os.nice(0)))  # the worker's priority is for its loop alone
    loop: _Loop | None = None
    terminated = False

    def terminate(_signal: int, _frame: FrameType | None) -> None:
        nonlocal terminated
        terminated = True
        if loop is not None:
            loop.end("the recorder was told to end")

    signal.signal(signal.SIGTERM, terminate)
    error = ""
    try:
        loop = _Loop(job, wire)
        if terminated:
            loop.end("the recorder was told to end")
        loop.run()
    except RecordingError as failure:
        error = str(failure)
    except Exception as failure:
        error = f"{job.path}: the recorder failed ({type(failure).__name__}: {failure})"
    if loop is None:
        wire.send({"active": False, "rows": 0, "dropped": 0, "error": error})
    else:
        loop.report(active=False, error=error)
    wire.close()
