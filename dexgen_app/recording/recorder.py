"""The worker's handle on the recorder, which is a process of its own.

Disk, compression and JSON cost the control loop nothing: rows reach the recorder through the
state ring, events through a socket that is never waited for.
"""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from dexgen_app.live.protocol import RecordingStatus
from dexgen_app.paths import recordings_dir
from dexgen_app.recording.codec import to_plain
from dexgen_app.recording.process import RecorderJob, record
from dexgen_app.recording.schema import Session
from dexgen_app.recording.wire import Wire
from dexgen_app.spec import HandSpec

SUFFIX = ".mcap"


def new_recording_path(hand_id: str, folder: Path | None = None) -> Path:
    """Return a path that is not taken, named by date, time and hand.

    Args:
        hand_id: The hand that will be recorded.
        folder: Where; the recordings folder if None.
    """
    stem = f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{hand_id}"
    folder = folder or recordings_dir()
    path = folder / f"{stem}{SUFFIX}"
    count = 2
    while path.exists():
        path = folder / f"{stem}_{count}{SUFFIX}"
        count += 1
    return path


class Recorder:
    """Records a live session into a new file.

    The process that makes one must not be daemonic.

    Args:
        path: The new file; ``.mcap`` is added to a name without a suffix. Empty takes a new name
            in the recordings folder.
        ring_name: Name of the state ring.
        dtype: Record type of the ring's rows.
        config: Configuration of the session; a dataclass or a mapping, stored whole.
        hand: The hand.
    """

    def __init__(
        self, path: str | Path, ring_name: str, dtype: np.dtype, config: Any, hand: HandSpec
    ) -> None:
        self.path = Path(path).expanduser().absolute() if path else new_recording_path(hand.id)
        if not self.path.suffix:
            self.path = self.path.with_suffix(SUFFIX)
        self._job = RecorderJob(
            path=str(self.path),
            ring_name=ring_name,
            dtype=dtype,
            session=Session.now(to_plain(hand), to_plain(config)),
            since_ns=time.monotonic_ns(),
        )
        self._status = RecordingStatus(active=False, path=str(self.path))
        self._process: Any = None
        self._wire: Wire | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Process number of the recorder, once started."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process; rows from the moment of construction on are recorded."""
        ours, theirs = socket.socketpair()
        self._wire = Wire(ours)
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(
            target=record, args=(self._job, theirs), name="dexgen-recorder", daemon=True
        )
        self._process.start()
        theirs.close()
        self._status = RecordingStatus(active=True, path=str(self.path))

    def note_event(
        self, kind: str, payload: Mapping[str, Any] | None = None, stamp_ns: int | None = None
    ) -> None:
        """Write an event into the recording; never waits.

        Args:
            kind: An ``EventKind`` or another word.
            payload: Plain data, dataclasses or arrays.
            stamp_ns: Monotonic time of the event [ns]; now if None.
        """
        if self._wire is None or self._stopping:
            return
        stamp = time.monotonic_ns() if stamp_ns is None else stamp_ns
        self._wire.send({"kind": str(kind), "payload": dict(payload or {}), "stamp_ns": stamp})

    def poll(self) -> RecordingStatus:
        """Return the recorder's newest state; never waits."""
        if self._wire is None or not self._status.active:
            return self._status
        self._wire.push()
        for message in self._wire.receive():
            self._status = RecordingStatus(path=str(self.path), **message)
        if self._status.active and self._wire.closed:
            self._status = self._lost()
        return self._status

    def stop(self) -> None:
        """Ask for the file to be closed; ``poll`` tells when it is."""
        if self._wire is not None and not self._stopping:
            self._wire.send({"stop": True})
            self._stopping = True

    def join(self, timeout_s: float = 5.0) -> RecordingStatus:
        """Stop, wait until the file is closed, and return the last state.

        Args:
            timeout_s: Longest wait [s]; a recorder that takes longer is killed, which loses at
                most the last second.
        """
        self.stop()
        deadline = time.monotonic() + timeout_s
        while self.poll().active and time.monotonic() < deadline:
            time.sleep(0.005)
        if self._process is not None:
            self._process.join(max(0.0, deadline - time.monotonic()))
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._status = self.poll()
        if self._wire is not None:
            self._wire.close()
        return self._status

    def _lost(self) -> RecordingStatus:
        """Return the state after the process ended without a word."""
        return RecordingStatus(
            active=False,
            path=str(self.path),
            rows=self._status.rows,
            dropped=self._status.dropped,
            error=f"{self.path}: the recorder's process ended unexpectedly; what was written "
            "up to the last second is readable",
        )
