"""Fixtures of the recording tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from recording_samples import make_hand

from dexgen_app.live.protocol import SessionConfig
from dexgen_app.recording.codec import to_plain
from dexgen_app.recording.schema import Event, Session
from dexgen_app.recording.writer import RecordingWriter
from dexgen_app.spec import HandSpec


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
