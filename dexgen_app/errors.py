"""The errors that a user can cause: what is wrong, where, and what to do about it."""

from __future__ import annotations


class DexgenError(Exception):
    """An error with a message for the user.

    Args:
        what: What is wrong, as one sentence without a full stop.
        where: The file, plugin, joint or option that it concerns; empty if there is none.
        remedy: What the user can do about it; empty only if nothing can be done.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f". {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling across processes.
        return (_rebuild, (type(self), self.what, self.where, self.remedy))


def _rebuild(cls: type[DexgenError], what: str, where: str, remedy: str) -> DexgenError:
    return cls(what, where=where, remedy=remedy)


class UnknownIdError(DexgenError):
    """No plugin offers the hand, device, controller or skill that was asked for."""


class ModelError(DexgenError):
    """A hand model does not parse or lacks something that the application needs."""


class InputError(DexgenError):
    """A file or a sample from a device cannot be used."""


class RecordingError(DexgenError):
    """A recording cannot be written or read."""


class SimulationError(DexgenError):
    """The simulator produced a non-finite state or cannot run the requested scene."""


class PluginError(DexgenError):
    """A plugin failed to load or raised in one of its calls."""
