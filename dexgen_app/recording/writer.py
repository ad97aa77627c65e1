"""Writes a session file in complete chunks, each soon on the disk.

The file has its final name from the start and is only ever appended to. A chunk reaches it in
one piece, so whatever ends the process, the file is a valid MCAP stream up to its last chunk.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from mcap.writer import CompressionType, Writer

from dexgen_app import __version__
from dexgen_app.errors import RecordingError
from dexgen_app.recording.codec import encode_event, encode_row, encode_session
from dexgen_app.recording.schema import (
    EVENT_TOPIC,
    PROFILE,
    SCHEMA_NAMES,
    SESSION_METADATA,
    Event,
    Session,
    json_schema,
)

_NEVER = 1 << 40  # chunks end when we say so, never in the middle of a row


def describe_os_error(error: OSError, path: Path | str) -> RecordingError:
    """Return the error as a message for the user: what is wrong with the place, what to do."""
    reasons = {
        errno.ENOSPC: ("the disk is full", "Free some space and record into a new file"),
        errno.EDQUOT: ("the disk quota is used up", "Free some space and record into a new file"),
        errno.EFBIG: ("the file has reached the size limit", "Record into a new file"),
        errno.EACCES: ("no permission to write here", "Choose another folder"),
        errno.EPERM: ("no permission to write here", "Choose another folder"),
        errno.EROFS: ("the disk is read-only", "Choose another folder"),
        errno.ENOENT: ("the folder does not exist", "Make the folder or choose another one"),
        errno.ENOTDIR: ("the folder is not a folder", "Choose another folder"),
        errno.EISDIR: ("this is a folder, not a file", "Choose a file name"),
        errno.EEXIST: ("the file exists already", "Choose another name; nothing is overwritten"),
        errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name"),
    }
    what, remedy = reasons.get(
        error.errno or 0, (error.strerror or str(error), "Choose another place and try again")
    )
    return RecordingError(what, where=str(path), remedy=remedy)


class _Sink:
    """Collects what the MCAP writer emits and appends it to the file in one piece.

    The file is made by the first ``flush``, so that a file that exists has something in it.
    A thread waits for the disk: a slow disk does not delay the next piece, which is safe from
    a kill as soon as the system has it, and from a power failure once it is synced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._syncs = ThreadPoolExecutor(1, thread_name_prefix="sync")
        self._sync: Future[None] | None = None
        self._pending = bytearray()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._pending += data
        return len(data)

    def tell(self) -> int:
        return self._size + len(self._pending)

    def flush(self) -> None:
        if self._fd < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._fd = os.open(self._path, flags, 0o644)
        view = memoryview(bytes(self._pending))
        self._pending.clear()
        try:
            done = 0
            while done < len(view):
                done += os.write(self._fd, view[done:])
            self._start_sync()
        except OSError:
            os.ftruncate(self._fd, self._size)  # take the incomplete piece off again
            if not self._size:
                self._path.unlink(missing_ok=True)
            raise
        self._size += len(view)

    def _start_sync(self) -> None:
        if self._sync is not None and not self._sync.done():
            return
        if self._sync is not None:
            self._sync.result()  # raises what the last one met
        self._sync = self._syncs.submit(os.fdatasync, self._fd)

    def close(self) -> None:
        self._syncs.shutdown()
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.fdatasync(self._fd)
            os.close(self._fd)


class RecordingWriter:
    """A session file that is being written.

    Args:
        path: The new file; an existing one is never overwritten.
        session: What is true for the whole file.
    """

    def __init__(self, path: Path | str, session: Session) -> None:
        self.path = Path(path)
        self.rows = 0
        """Rows that are on the disk."""
        self._open_rows = 0
        self._sink = _Sink(self.path)
        self._closed = False
        self._writer = Writer(self._sink, chunk_size=_NEVER, compression=CompressionType.ZSTD)  # type: ignore[arg-type]
        self._writer.start(profile=PROFILE, library=f"dexgen-app {__version__}")
        self._writer.add_metadata(SESSION_METADATA, encode_session(session))
        self._channels = self._register(tuple(session.hand["joint_names"]))

    @property
    def size(self) -> int:
        """Bytes written so far, those of the open chunk not included."""
        return self._sink.tell()

    def _register(self, joint_names: tuple[str, ...]) -> dict[str, int]:
        channels = {}
        for topic, name in SCHEMA_NAMES.items():
            data = json.dumps(json_schema(topic, joint_names)).encode()
            schema = self._writer.register_schema(name, "jsonschema", data)
            channels[topic] = self._writer.register_channel(topic, "json", schema)
        return channels

    def write_rows(self, rows: Iterable[np.void]) -> None:
        """Add rows of ``row_dtype``; they are on the disk after the next ``flush``."""
        for row in rows:
            stamp = max(int(row["stamp_ns"]), 0)
            sequence = int(row["sequence"]) & 0xFFFFFFFF
            for topic, data in encode_row(row):
                self._writer.add_message(self._channels[topic], stamp, data, stamp, sequence)
            self._open_rows += 1

    def write_event(self, event: Event) -> None:
        """Add an event; it is on the disk after the next ``flush``."""
        stamp = max(event.stamp_ns, 0)
        self._writer.add_message(self._channels[EVENT_TOPIC], stamp, encode_event(event), stamp)

    def flush(self) -> None:
        """Close the chunk and hand it to the disk; the first call makes the file.

        Raises:
            RecordingError: The file cannot be made, or the disk is full or gone. The file ends
                with the last good chunk and is closed; nothing more can be written.
        """
        self._guard(self._writer.flush)
        self.rows += self._open_rows
        self._open_rows = 0

    def close(self) -> None:
        """Write the index, close the file; may be called repeatedly.

        Raises:
            RecordingError: The disk is full or gone; the file is readable up to its last chunk.
        """
        if self._closed:
            return
        self.flush()
        self._guard(self._writer.finish)
        self._guard(self._sink.flush)
        self._closed = True
        self._sink.close()

    def _guard(self, write: Callable[[], object]) -> None:
        if self._closed:
            raise RecordingError("the recording is closed", where=str(self.path))
        try:
            write()
        except OSError as error:
            self._closed = True
            self._sink.close()
            raise describe_os_error(error, self.path) from error
