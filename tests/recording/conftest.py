"""A small hand, rows of its session, and a recorder that feeds on a ring."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dexgen_app.live.protocol import SessionConfig
from dexgen_app.live.row import row_dtype
from dexgen_app.recording.codec import empty_rows, to_plain
from dexgen_app.recording.schema import Event, Session
from dexgen_app.recording.writer import RecordingWriter
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


@pytest.fixture
def hand() -> HandSpec:
    return make_hand()


@pytest.fixture
def write_recording(tmp_path: Path, hand: HandSpec) -> Callable[..., Path]:
    """Write rows and events into a finished file and return its path."""

    def write(
        rows: np.ndarray, events: list[Event] | None = None, name: str = "session.mcap"
    ) -> Path:
        session = Session.now(to_plain(hand), to_plain(SessionConfig(seed=7)))
        writer = RecordingWriter(tmp_path / name, session)
        for event in events or []:
            writer.write_event(event)
        for start in range(0, len(rows), 30):
            writer.write_rows(rows[start : start + 30])
            writer.flush()
        writer.close()
        return writer.path

    return write


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
