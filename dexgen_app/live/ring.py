"""A ring of numpy records in shared memory: one writer, any number of readers, no locks.

It is a seqlock: a row's ``sequence`` is -1 while the row is written and its number afterwards;
a reader copies a row and throws the copy away if the number changed meanwhile. The order of
the stores is that of the program on x86-64 and, because every store passes the interpreter's
atomic reference counts, in practice also on 64-bit ARM.
"""

from __future__ import annotations

import numpy as np

from dexgen_app.live.memory import SharedBlock

_HEADER_BYTES = 64
_MAGIC = 0x6465786765_6E01


class StateRing:
    """The newest rows of a live session.

    Args:
        block: The shared memory.
        dtype: Record type of a row; its first field is ``sequence``, ``<i8``.
        capacity: Number of rows that are kept.
    """

    def __init__(self, block: SharedBlock, dtype: np.dtype, capacity: int) -> None:
        if next(iter(dtype.names or ())) != "sequence" or dtype.fields["sequence"][1] != 0:  # type: ignore[index]
            raise ValueError("the first field of a row must be its sequence")
        self._block = block
        self.dtype = dtype
        self.capacity = capacity
        self._header = np.frombuffer(block.buffer, np.int64, _HEADER_BYTES // 8)
        self._rows = np.frombuffer(block.buffer, dtype, capacity, _HEADER_BYTES)
        self._bytes = np.frombuffer(
            block.buffer, np.uint8, capacity * dtype.itemsize, _HEADER_BYTES
        ).reshape(capacity, dtype.itemsize)
        self._sequences = self._rows["sequence"]

    @classmethod
    def create(cls, dtype: np.dtype, capacity: int = 1024) -> StateRing:
        """Make an empty ring of ``capacity`` rows under a new name."""
        block = SharedBlock.create(_HEADER_BYTES + capacity * dtype.itemsize)
        ring = cls(block, dtype, capacity)
        ring._sequences[:] = -1
        ring._header[1:4] = (capacity, dtype.itemsize, -1)
        ring._header[0] = _MAGIC
        return ring

    @classmethod
    def attach(cls, name: str, dtype: np.dtype) -> StateRing:
        """Open a ring that another process made.

        Raises:
            FileNotFoundError: There is no such ring.
            ValueError: It is not a ring, or its rows have another type.
        """
        block = SharedBlock.attach(name)
        header = np.frombuffer(block.buffer, np.int64, _HEADER_BYTES // 8)
        if header[0] != _MAGIC or header[2] != dtype.itemsize:
            raise ValueError(f"{name} is not a ring of rows of {dtype.itemsize} bytes")
        return cls(block, dtype, int(header[1]))

    @property
    def name(self) -> str:
        """What another process needs to attach."""
        return self._block.name

    @property
    def head(self) -> int:
        """Number of the newest row, -1 if there is none."""
        return int(self._header[3])

    def write(self, row: np.ndarray | np.void) -> int:
        """Append a row; only one process may do so.

        Args:
            row: A record of the ring's type; its ``sequence`` is set here.

        Returns:
            The row's number.
        """
        sequence = self.head + 1
        slot = sequence % self.capacity
        self._sequences[slot] = -1
        self._bytes[slot, 8:] = np.frombuffer(row.tobytes(), np.uint8)[8:]
        self._sequences[slot] = sequence
        self._header[3] = sequence
        row["sequence"] = sequence
        return sequence

    def latest(self) -> np.void | None:
        """Return a copy of the newest row, or None before the first."""
        for _ in range(16):
            head = self.head
            if head < 0:
                return None
            slot = head % self.capacity
            copy = self._rows[slot : slot + 1].copy()
            if copy["sequence"][0] == head == self._sequences[slot]:
                return copy[0]
        return None

    def read_since(self, sequence: int) -> tuple[np.ndarray, int]:
        """Return copies of all rows after number ``sequence``, oldest first.

        Args:
            sequence: Number of the last row that the reader has; -1 for none.

        Returns:
            The rows, shape (n,), and how many were overwritten before they could be read.
        """
        head = self.head
        wanted = np.arange(max(sequence + 1, head - self.capacity + 1), head + 1)
        slots = wanted % self.capacity
        copies = self._rows[slots]  # advanced indexing copies
        whole = (copies["sequence"] == wanted) & (self._sequences[slots] == wanted)
        rows = copies[whole]
        return rows, max(head - sequence, 0) - len(rows)

    def close(self) -> None:
        """Release the ring in this process."""
        empty = np.zeros(0, self.dtype)
        self._header = np.full(_HEADER_BYTES // 8, -1, np.int64)
        self._rows, self._sequences = empty, empty["sequence"]
        self._bytes = np.zeros((0, self.dtype.itemsize), np.uint8)
        self._block.close()

    def unlink(self) -> None:
        """Remove the ring's name."""
        self._block.unlink()
