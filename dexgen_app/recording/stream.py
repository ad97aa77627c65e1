"""Reads an MCAP file chunk by chunk, as far as it goes: a killed recording has no end."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Metadata
from mcap.writer import MCAP0_MAGIC

from dexgen_app.errors import RecordingError
from dexgen_app.recording.writer import describe_os_error

_RECORD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<HIQQ")
_LARGEST = 1 << 30  # bytes; our chunks hold less than a second

Message = tuple[int, bytes]
"""The header's sequence number, and the data."""


@dataclass
class McapStream:
    """An MCAP file read from its beginning.

    Attributes:
        path: The file.
        metadata: Metadata records by name, those read so far.
        truncated: True once reading has met a missing or damaged end.
        good_bytes: Length of the part that could be read, at the end of reading.
    """

    path: Path
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    truncated: bool = False
    good_bytes: int = 0
    _topics: dict[int, str] = field(default_factory=dict)

    def chunks(self) -> Iterator[dict[str, list[Message]]]:
        """Yield the messages of every complete chunk, by topic, in the order of writing.

        Raises:
            RecordingError: The file cannot be opened, is empty, or is no MCAP file.
        """
        try:
            data = memoryview(self.path.read_bytes())
        except OSError as error:
            raise _unreadable(error, self.path) from error
        if not len(data):
            raise RecordingError(
                "the file is empty: the recorder ended before it wrote anything",
                where=str(self.path),
            )
        if data[: len(MCAP0_MAGIC)] != MCAP0_MAGIC:
            raise RecordingError("this is not an MCAP file", where=str(self.path))
        offset = len(MCAP0_MAGIC)
        while True:
            if offset + _RECORD.size > len(data):
                break
            opcode, length = _RECORD.unpack_from(data, offset)
            end = offset + _RECORD.size + length
            if end > len(data):
                break
            body = data[offset + _RECORD.size : end]
            self.good_bytes = offset
            if opcode == Opcode.DATA_END:
                return
            if opcode == Opcode.METADATA:
                record = Metadata.read(_stream(body))
                self.metadata[record.name] = record.metadata
            elif opcode == Opcode.CHUNK:
                records = _unpack(body)
                if records is None:
                    break
                yield self._messages(records)
            offset = self.good_bytes = end
        self.truncated = True

    def _messages(self, records: bytes) -> dict[str, list[Message]]:
        messages: dict[str, list[Message]] = {}
        offset = 0
        while offset < len(records):
            opcode, length = _RECORD.unpack_from(records, offset)
            offset += _RECORD.size
            if opcode == Opcode.MESSAGE:
                channel, sequence, _, _ = _MESSAGE.unpack_from(records, offset)
                body = records[offset + _MESSAGE.size : offset + length]
                messages.setdefault(self._topics[channel], []).append((sequence, body))
            elif opcode == Opcode.CHANNEL:
                record = Channel.read(_stream(records[offset : offset + length]))
                self._topics[record.id] = record.topic
            offset += length
        return messages


def _stream(data: bytes | memoryview) -> ReadDataStream:
    return ReadDataStream(BytesIO(data))


def _unpack(body: memoryview) -> bytes | None:
    """Return a chunk's records, or None if it is damaged."""
    try:
        chunk = Chunk.read(_stream(body))
        if chunk.uncompressed_size > _LARGEST:
            return None
        records = chunk.data
        if chunk.compression == "zstd":
            records = zstandard.decompress(chunk.data, chunk.uncompressed_size)
    except (zstandard.ZstdError, struct.error, ValueError, OverflowError, McapError):
        return None
    if chunk.uncompressed_crc and zlib.crc32(records) != chunk.uncompressed_crc:
        return None
    return records


def _unreadable(error: OSError, path: Path) -> RecordingError:
    if isinstance(error, FileNotFoundError):
        return RecordingError(
            "there is no such file",
            where=str(path),
            remedy="'dexgen-app recordings list' shows what there is",
        )
    if isinstance(error, PermissionError):
        return RecordingError("no permission to read the file", where=str(path))
    return describe_os_error(error, path)
