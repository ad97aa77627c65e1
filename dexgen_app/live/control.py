"""The few words that must not wait in a queue: stop, dead-man switch, heartbeats."""

from __future__ import annotations

import time

import numpy as np

from dexgen_app.live.memory import SharedBlock

_STOPS, _DEAD_MAN, _HEARTBEAT, _WORKER_HEARTBEAT, _WORKER_TICKS = range(5)
_WORDS = 8


class ControlBlock:
    """Eight words of shared memory; every store and load of one of them is atomic.

    STOP is a counter, not a flag: the worker latches whenever it changes, so that a stop
    which follows a reset at once is never mistaken for the one before it.
    """

    def __init__(self, block: SharedBlock) -> None:
        self._block = block
        self._words = np.frombuffer(block.buffer, np.int64, _WORDS)

    @classmethod
    def create(cls) -> ControlBlock:
        """Make a block with nothing requested."""
        return cls(SharedBlock.create(_WORDS * 8))

    @classmethod
    def attach(cls, name: str) -> ControlBlock:
        """Open the block that another process made."""
        return cls(SharedBlock.attach(name))

    @property
    def name(self) -> str:
        """What another process needs to attach."""
        return self._block.name

    @property
    def stops(self) -> int:
        """How often STOP was requested."""
        return int(self._words[_STOPS])

    def request_stop(self) -> None:
        """Request STOP; the worker acts on it in its next tick."""
        self._words[_STOPS] += 1

    @property
    def dead_man(self) -> bool:
        """Whether the window says that its dead-man switch is held."""
        return bool(self._words[_DEAD_MAN])

    @dead_man.setter
    def dead_man(self, held: bool) -> None:
        self._words[_DEAD_MAN] = int(held)

    @property
    def heartbeat_ns(self) -> int:
        """When the window last showed that it is alive [monotonic ns]."""
        return int(self._words[_HEARTBEAT])

    def beat(self) -> None:
        """Show that the window is alive."""
        self._words[_HEARTBEAT] = time.monotonic_ns()

    @property
    def worker_heartbeat_ns(self) -> int:
        """When the worker last finished a tick [monotonic ns]."""
        return int(self._words[_WORKER_HEARTBEAT])

    @property
    def worker_ticks(self) -> int:
        """Ticks that the worker has finished."""
        return int(self._words[_WORKER_TICKS])

    def beat_worker(self, ticks: int) -> None:
        """Show that the worker is alive."""
        self._words[_WORKER_TICKS] = ticks
        self._words[_WORKER_HEARTBEAT] = time.monotonic_ns()

    def close(self) -> None:
        """Release the block in this process."""
        self._words = np.zeros(_WORDS, np.int64)
        self._block.close()

    def unlink(self) -> None:
        """Remove the block's name."""
        self._block.unlink()
