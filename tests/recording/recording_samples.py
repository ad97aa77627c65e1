"""A small hand, rows of its session, and the plain reader that strangers use."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mcap.exceptions import EndOfFile
from mcap.records import Channel, Message
from mcap.stream_reader import StreamReader
from zstandard import ZstdError

from dexgen_app.live.row import row_dtype
from dexgen_app.recording.codec import empty_rows
from dexgen_app.spec import FingerSpec, HandSpec

JOINTS = 3
PERIOD_NS = 16_666_667


def make_hand(id: str = "testhand_right", names: tuple[str, ...] = ("a0", "a1", "a2")) -> HandSpec:
    return HandSpec(
        id=id,
        title="Test hand",
        side="right",
        model="nowhere:hand.xml",
        joint_names=names,
        lower=(-1.0,) * JOINTS,
        upper=(1.5,) * JOINTS,
        max_speed=(6.0,) * JOINTS,
        max_effort=(0.7,) * JOINTS,
        home=(0.0,) * JOINTS,
        fingers=(
            FingerSpec(
                name="index", joints=names, tip_site="tip", pip_site="pip", landmarks=(5, 6, 7, 8)
            ),
        ),
        grasp=(0.5,) * JOINTS,
        grasp_center=(0.05, 0.0, 0.1),
    )


def make_rows(count: int, start_ns: int = 1_000_000_000, first: int = 0) -> np.ndarray:
    """Rows of a plausible session: sine targets, a position that lags, an object that sinks."""
    rows = empty_rows(count, row_dtype(JOINTS))
    index = np.arange(count)
    rows["sequence"] = rows["tick"] = first + index
    rows["stamp_ns"] = start_ns + index * PERIOD_NS
    rows["episode"] = -1
    phase = index[:, None] / 60 + np.arange(JOINTS)
    rows["command"] = rows["controller"] = rows["target"] = 0.5 * np.sin(phase)
    rows["position"] = 0.5 * np.sin(phase - 0.02)
    rows["velocity"] = rows["effort"] = 0.1
    rows["raw_points"][:, :21, :3] = np.linspace(0, 0.2, 63, dtype=np.float32).reshape(21, 3)
    rows["object_pose"] = (0.05, 0.0, 0.1, 1.0, 0.0, 0.0, 0.0)
    rows["object_pose"][:, 0] -= index * 1e-4
    rows["gravity"] = (-1.0, 0.0, 0.0)
    rows["contact_count"] = index % 3
    for row in rows:
        row["contacts"][: row["contact_count"]] = 0.25
    return rows


def assert_rows_equal(actual: np.ndarray, expected: np.ndarray) -> None:
    """Compare every field exactly; NaN equals NaN."""
    assert actual.dtype == expected.dtype
    for name in expected.dtype.names or ():
        np.testing.assert_array_equal(actual[name], expected[name], err_msg=name)


def wait_until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def read_plain(path: Path) -> dict[str, list[dict]]:
    """Read all messages by topic with the plain ``mcap`` reader, up to the file's end."""
    topics: dict[int, str] = {}
    messages: dict[str, list[dict]] = {}
    with path.open("rb") as file:
        try:
            for record in StreamReader(file, validate_crcs=True).records:
                if isinstance(record, Channel):
                    topics[record.id] = record.topic
                elif isinstance(record, Message):
                    decoded = json.loads(record.data)
                    messages.setdefault(topics[record.channel_id], []).append(decoded)
        except (EndOfFile, struct.error, ZstdError):
            pass  # where the file was cut
    return messages
