"""Memory that several processes share: a mapped file that nobody else's exit removes.

``multiprocessing.shared_memory`` is not used: under Python 3.11 a process that only attaches a
segment removes it for everybody when it exits, through its own resource tracker.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import secrets
import tempfile
import time
from pathlib import Path

_PREFIX = "dexgen-live-"
_LEFTOVER_AGE_S = 60.0


def _folder() -> Path:
    """Return a folder in memory where there is one."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())


def remove_leftovers() -> int:
    """Remove blocks that no living process has open; return how many there were."""
    removed = 0
    for path in _folder().glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime < _LEFTOVER_AGE_S:
                continue
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                removed += 1
    return removed


class SharedBlock:
    """Bytes that every process sees which knows the block's name.

    Each open block holds a shared file lock, so that the blocks of killed processes can be
    told from those in use and removed.
    """

    def __init__(self, path: Path, size: int, *, create: bool) -> None:
        self.name = str(path)
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0)
        self._file = os.open(path, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_SH)
        if create:
            # Reserved, not sparse: writing into a hole of a full file system kills the process.
            os.posix_fallocate(self._file, 0, size)
        self.size = os.fstat(self._file).st_size
        self.buffer = mmap.mmap(self._file, self.size)

    @classmethod
    def create(cls, size: int) -> SharedBlock:
        """Make a block of ``size`` zero bytes under a new name."""
        remove_leftovers()
        name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        return cls(_folder() / name, size, create=True)

    @classmethod
    def attach(cls, name: str) -> SharedBlock:
        """Open an existing block.

        Raises:
            FileNotFoundError: There is no such block.
        """
        return cls(Path(name), 0, create=False)

    def close(self) -> None:
        """Release the block here; arrays that still look into it keep the mapping alive."""
        if self._file < 0:
            return
        with contextlib.suppress(BufferError):
            self.buffer.close()
        os.close(self._file)
        self._file = -1

    def unlink(self) -> None:
        """Remove the block's name; those who have it open keep it."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.name)
