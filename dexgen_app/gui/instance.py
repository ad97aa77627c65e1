"""One window for each application home: a second one is told so."""

from __future__ import annotations

from PyQt6.QtCore import QLockFile

from dexgen_app import paths
from dexgen_app.errors import DexgenError


class InstanceError(DexgenError):
    """Another window owns this application home."""


def claim() -> QLockFile:
    """Claim the application home for this process; released when the returned lock goes.

    Raises:
        InstanceError: Another process has it; says which and what to do.
    """
    try:
        folder = paths.data_dir()
    except OSError as error:
        raise _unwritable(str(error.filename or "the application's folder")) from error
    lock = QLockFile(str(folder / "window.lock"))
    lock.setStaleLockTime(0)
    if lock.tryLock(0):
        return lock
    known, pid, host, _ = lock.getLockInfo()
    if lock.error() == QLockFile.LockError.PermissionError:
        raise _unwritable(str(folder))
    who = f" (process {pid} on {host})" if known else ""
    raise InstanceError(
        f"a window of dexgen-app is open already{who}",
        remedy="Use that one, open this one with --read-only to review recordings, or set "
        "DEXGEN_HOME to another folder for a second hand",
    )


def _unwritable(where: str) -> InstanceError:
    return InstanceError(
        "the folder cannot be written",
        where=where,
        remedy="Make it writable, or set DEXGEN_HOME to a folder that is",
    )
