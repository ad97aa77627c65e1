"""Rows and recordings of the Allegro hand for tests of the view."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dexgen_app.live.protocol import SessionConfig
from dexgen_app.live.row import Clip, SessionState, row_dtype
from dexgen_app.recording.codec import to_plain
from dexgen_app.recording.schema import Event, EventKind, Session
from dexgen_app.recording.writer import RecordingWriter
from dexgen_app.spec import HandSpec
from dexgen_hand_allegro import spec as allegro

HAND: HandSpec = next(
    value
    for value in vars(allegro).values()
    if isinstance(value, HandSpec) and value.side == "right"
)
START_NS = 5_000_000_000
STEP_NS = 20_000_000


def make_row(**fields: object) -> np.void:
    """Return a row of the hand at its grasp with the object in it."""
    return make_rows(1, **fields)[0]


def make_rows(count: int, **fields: object) -> np.ndarray:
    """Return rows at 50 Hz in which the fingers open slowly."""
    rows = np.zeros(count, row_dtype(HAND.joint_count))
    ticks = np.arange(count)
    rows["sequence"] = rows["tick"] = ticks
    rows["stamp_ns"] = START_NS + ticks * STEP_NS
    rows["state"] = SessionState.ACTIVE
    rows["position"] = np.array(HAND.grasp) * (1.0 - 0.002 * ticks[:, None])
    for name in ("command", "controller", "target"):
        rows[name] = rows["position"]
    rows["object_pose"] = [*HAND.grasp_center, 1.0, 0.0, 0.0, 0.0]
    rows["gravity"] = [-1.0, 0.0, 0.0]
    rows["episode"] = -1
    for name, value in fields.items():
        rows[name] = value
    return rows


def write_recording(folder: Path, count: int = 100) -> Path:
    """Write a recording with an episode, a note, a state change and two clip bursts."""
    rows = make_rows(count)
    rows["clip"][10:14, 2] = Clip.SPEED_LIMIT
    rows["clip"][60:62, 0] = Clip.STEP_LIMIT
    rows["clip"][:, 5] |= np.uint32(Clip.DEAD_MAN)
    rows["episode"][20:70] = 0

    def event(tick: int, kind: str, **payload: object) -> Event:
        return Event(START_NS + tick * STEP_NS, kind, payload)

    writer = RecordingWriter(
        folder / "session.mcap", Session.now(to_plain(HAND), to_plain(SessionConfig()))
    )
    for item in (
        event(0, EventKind.STATE, state=int(SessionState.ACTIVE), reason="armed"),
        event(20, EventKind.EPISODE_BEGIN, index=0),
        event(30, EventKind.NOTE, text="slips"),
        event(70, EventKind.EPISODE_END, index=0, mark="keep"),
    ):
        writer.write_event(item)
    writer.write_rows(rows)
    writer.close()
    return writer.path
