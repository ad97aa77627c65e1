"""Writes a recording's rows as a table: CSV for a spreadsheet, npz for numpy."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dexgen_app.recording.episodes import write_atomically
from dexgen_app.recording.reader import Recording

_PER_JOINT = (
    "raw_joints",
    "command",
    "controller",
    "target",
    "clip",
    "position",
    "velocity",
    "effort",
    "temperature",
)
_POSES = ("wrist_pose", "object_pose")
_POSE_PARTS = ("x", "y", "z", "qw", "qx", "qy", "qz")


def select_rows(recording: Recording, episode: int = -1) -> np.ndarray:
    """Return the rows of an episode, or all of them for -1.

    Raises:
        RecordingError: There is no such episode.
    """
    return recording.rows if episode < 0 else recording.episode_rows(episode)


def export_npz(recording: Recording, path: Path, episode: int = -1) -> None:
    """Write every field of the rows as an array of its own, and the names of the joints.

    Raises:
        RecordingError: There is no such episode, or the file cannot be written.
    """
    rows = select_rows(recording, episode)
    arrays = {name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names or ()}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        joint_names=np.array(recording.joint_names),
        hand_id=np.array(recording.hand_id),
        quaternion_order=np.array("wxyz"),
        **arrays,
    )
    write_atomically(path, buffer.getvalue())


def export_csv(recording: Recording, path: Path, episode: int = -1) -> None:
    """Write a line a row: stamp, state, per-joint values by joint name, poses and gravity.

    Raw landmarks, contacts and latencies are left to the npz.

    Raises:
        RecordingError: There is no such episode, or the file cannot be written.
    """
    rows = select_rows(recording, episode)
    columns = dict(_columns(recording, rows))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for values in zip(*(column.tolist() for column in columns.values())):
        writer.writerow(values)
    write_atomically(path, text.getvalue().encode())


def _columns(recording: Recording, rows: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "time_s", (rows["stamp_ns"] - recording.start_ns) / 1e9
    for name in ("stamp_ns", "sequence", "state", "dead_man", "stop", "held", "drops", "episode"):
        yield name, rows[name]
    for name in _PER_JOINT:
        for index, joint in enumerate(recording.joint_names):
            yield f"{name}.{joint}", rows[name][:, index]
    for name in _POSES:
        for index, part in enumerate(_POSE_PARTS):
            yield f"{name}.{part}", rows[name][:, index]
    for index, part in enumerate("xyz"):
        yield f"gravity.{part}", rows["gravity"][:, index]
