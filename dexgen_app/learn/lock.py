"""One process at a time in a folder, also after a kill."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from dexgen_app.errors import InputError

LOCK = "lock"


class FolderLock:
    """Holds a folder as long as the ``with`` block runs; the end of the process frees it, too.

    Args:
        folder: The folder; made where it is absent.

    Raises:
        InputError: Another process holds it, or it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = -1

    def __enter__(self) -> FolderLock:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise InputError(
                f"the folder cannot be used ({error.strerror or error})",
                where=str(self._folder),
                remedy="Name a folder that can be written",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 32).decode(errors="replace").strip()
            os.close(self._file)
            raise InputError(
                f"another process works here{f' (process {holder})' if holder else ''}",
                where=str(self._folder),
                remedy="Wait until it ends, or end it",
            ) from error
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)
        self._file = -1
