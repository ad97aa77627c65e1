"""Turns rows and events into the JSON messages of a session file, and back."""

from __future__ import annotations

import dataclasses
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from dexgen_app.errors import RecordingError
from dexgen_app.live.row import Clip
from dexgen_app.recording.schema import (
    FIELD_TOPICS,
    FRAME,
    OBJECT_TOPIC,
    SCHEMA_VERSION,
    Event,
    EventKind,
    FieldSpec,
    Session,
)

_WARNING, _ERROR, _INFO = 3, 4, 2  # levels of foxglove.Log
_LEVELS: dict[str, int] = {
    EventKind.STOP: _WARNING,
    EventKind.DROPPED: _WARNING,
    EventKind.FAULT: _ERROR,
}


def to_plain(value: Any) -> Any:
    """Return ``value`` as what JSON can hold.

    Dataclasses and mappings become dicts, arrays and tuples lists, paths text; a number that is
    not finite becomes None.
    """
    if isinstance(value, Enum):
        return to_plain(value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return to_plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Path):
        return str(value)
    return repr(value)


def encode_json(value: Any) -> bytes:
    """Return ``value`` as compact UTF-8 JSON."""
    text = json.dumps(to_plain(value), separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", errors="replace")


def encode_array(values: np.ndarray) -> str:
    """Return an array of one or two dimensions as JSON text, exact to the last bit."""
    if values.ndim > 1:
        return "[" + ",".join([encode_array(row) for row in values]) + "]"
    single = values.dtype == np.float32
    numbers = values.tolist()
    # Nine significant digits identify a 32-bit float; repr is exact for a 64-bit one.
    text = [f"{v:.9g}" for v in numbers] if single else [repr(v) for v in numbers]
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        text = [t if math.isfinite(v) else "null" for t, v in zip(text, numbers)]
    return "[" + ",".join(text) + "]"


def _trim(points: np.ndarray) -> np.ndarray:
    """Cut rows and columns off the end in which nothing is finite."""
    there = np.isfinite(points)
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    if not len(rows):
        return points[:0]
    return points[: rows[-1] + 1, : columns[-1] + 1]


def _encode_field(row: np.void, spec: FieldSpec) -> str:
    value = row[spec.column]
    if spec.column == "raw_points":
        value = _trim(value)
    elif spec.column == "contacts":
        value = value[: max(0, min(int(row["contact_count"]), len(value)))]
    if isinstance(value, np.ndarray):
        return encode_array(value)
    return encode_array(np.atleast_1d(value))[1:-1]


def _encode_pose(row: np.void) -> str | None:
    pose = row["object_pose"]
    if not np.isfinite(pose).any():
        return None
    x, y, z, qw, qx, qy, qz = encode_array(pose)[1:-1].split(",")
    second, nanosecond = divmod(max(int(row["stamp_ns"]), 0), 1_000_000_000)
    return (
        f'{{"timestamp":{{"sec":{second},"nsec":{nanosecond}}},"frame_id":"{FRAME}","pose":'
        f'{{"position":{{"x":{x},"y":{y},"z":{z}}},'
        f'"orientation":{{"x":{qx},"y":{qy},"z":{qz},"w":{qw}}}}}}}'
    )


def _clip_reasons(flags: np.ndarray) -> str:
    together = int(np.bitwise_or.reduce(flags))
    return json.dumps([flag.name for flag in Clip if flag & together])


def encode_row(row: np.void) -> list[tuple[str, bytes]]:
    """Return the messages of one row as (topic, JSON), the loop's message last."""
    messages = []
    pose = _encode_pose(row)
    if pose is not None:
        messages.append((OBJECT_TOPIC, pose.encode()))
    for topic, specs in FIELD_TOPICS.items():
        parts = [f'"{spec.name}":{_encode_field(row, spec)}' for spec in specs]
        if topic == "/target":
            parts.append(f'"clip_reasons":{_clip_reasons(row["clip"])}')
        messages.append((topic, ("{" + ",".join(parts) + "}").encode()))
    return messages


def decode_messages(
    topic: str, messages: Sequence[Mapping[str, Any]], rows: np.ndarray, where: np.ndarray
) -> None:
    """Write the messages of one row channel into ``rows[where]``, where they belong.

    Args:
        topic: A row channel.
        messages: Decoded JSON, n messages.
        rows: Record array of ``row_dtype``, filled with what stands for "not there".
        where: Row of every message, shape (n,).
    """
    if topic == OBJECT_TOPIC:
        poses = [(*_named(m["pose"]["position"], "xyz"), *_quaternion(m)) for m in messages]
        rows["object_pose"][where] = np.array(poses, dtype=np.float64)
        return
    for spec in FIELD_TOPICS[topic]:
        values = [message[spec.name] for message in messages]
        column = rows[spec.column]
        if spec.column in ("raw_points", "contacts"):
            _fill_tables(column, values, where)
        else:
            # None becomes NaN in a float array.
            column[where] = np.array(values, dtype=column.dtype)


def _named(values: Mapping[str, Any], names: str) -> tuple[Any, ...]:
    return tuple(values[name] for name in names)


def _quaternion(message: Mapping[str, Any]) -> tuple[Any, ...]:
    return _named(message["pose"]["orientation"], "wxyz")


def _fill_tables(column: np.ndarray, tables: list[list[list[Any]]], where: np.ndarray) -> None:
    """Write tables of differing sizes; what they do not cover stays as it was."""
    sizes = {(len(table), len(table[0]) if table else 0) for table in tables}
    if len(sizes) == 1:
        height, width = sizes.pop()
        if height:
            column[where, :height, :width] = np.array(tables, dtype=column.dtype)
        return
    for index, table in zip(where, tables):
        if table:
            block = np.array(table, dtype=column.dtype)
            column[index, : block.shape[0], : block.shape[1]] = block


def empty_rows(count: int, dtype: np.dtype) -> np.ndarray:
    """Return records in which every real number is NaN and every whole number zero."""
    rows = np.zeros(count, dtype=dtype)
    for name in dtype.names or ():
        if rows[name].dtype.kind == "f":
            rows[name] = np.nan
    return rows


def encode_event(event: Event) -> bytes:
    """Return an event as JSON in the shape of foxglove.Log, with its kind and payload."""
    second, nanosecond = divmod(max(event.stamp_ns, 0), 1_000_000_000)
    payload = to_plain(event.payload)
    details = ", ".join(f"{key} {value}" for key, value in payload.items())
    return encode_json(
        {
            "timestamp": {"sec": second, "nsec": nanosecond},
            "level": _LEVELS.get(event.kind, _INFO),
            "message": f"{event.kind}: {details}" if details else str(event.kind),
            "name": "dexgen-app",
            "file": "",
            "line": 0,
            "kind": event.kind,
            "payload": payload,
            "stamp_ns": event.stamp_ns,
        }
    )


def decode_event(data: bytes) -> Event:
    """Return the event that ``encode_event`` wrote."""
    message = json.loads(data)
    return Event(int(message["stamp_ns"]), str(message["kind"]), message["payload"])


def encode_session(session: Session) -> dict[str, str]:
    """Return the session's metadata record: text by name, with JSON for what is nested."""
    hand = session.hand
    metadata = {
        "schema_version": str(session.schema_version),
        "app_version": session.app_version,
        "recording_id": session.id,
        "hand_id": str(hand["id"]),
        "joint_names": json.dumps(to_plain(hand["joint_names"])),
        "hand": json.dumps(to_plain(hand)),
        "config": json.dumps(to_plain(session.config)),
        "units": "SI, radians; temperatures in deg C",
        "quaternion_order": "wxyz in arrays; named x, y, z, w in poses",
        "frame": "canonical hand frame: origin wrist, +z middle finger, +x out of the palm, z up",
        "clock": "monotonic nanoseconds (log_time and every *_ns)",
        "wall_time": session.wall_time,
        "wall_ns": str(session.wall_ns),
        "monotonic_ns": str(session.monotonic_ns),
    }
    return {**metadata, "crc32": _checksum(metadata)}


def _checksum(metadata: Mapping[str, str]) -> str:
    """Return a checksum: an MCAP file has one for every chunk but none for its metadata."""
    parts = sorted((key, value) for key, value in metadata.items() if key != "crc32")
    return f"{zlib.crc32(json.dumps(parts).encode()):08x}"


def decode_session(metadata: Mapping[str, str], where: str = "") -> Session:
    """Return the session that ``encode_session`` wrote.

    Raises:
        RecordingError: The layout is another version's, or something is missing.
    """
    version = metadata.get("schema_version", "")
    if version != str(SCHEMA_VERSION):
        raise RecordingError(
            f"the file has layout version {version or '(none)'}, this application reads "
            f"version {SCHEMA_VERSION}",
            where=where,
            remedy=f"Open it with the version that wrote it: {metadata.get('app_version', '?')}",
        )
    try:
        if metadata["crc32"] != _checksum(metadata):
            raise ValueError("the checksum does not fit")
        return Session(
            id=metadata["recording_id"],
            hand=json.loads(metadata["hand"]),
            config=json.loads(metadata["config"]),
            wall_time=metadata["wall_time"],
            wall_ns=int(metadata["wall_ns"]),
            monotonic_ns=int(metadata["monotonic_ns"]),
            app_version=metadata["app_version"],
        )
    except (KeyError, ValueError) as error:
        raise RecordingError(
            f"the session's metadata is damaged ({type(error).__name__}: {error})", where=where
        ) from error
