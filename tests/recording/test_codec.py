"""Rows and events survive JSON exactly, whatever is in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording_samples import JOINTS, assert_rows_equal, make_hand, make_rows

from dexgen_app.errors import RecordingError
from dexgen_app.live.protocol import SessionConfig
from dexgen_app.live.row import Clip, row_dtype
from dexgen_app.recording.codec import (
    decode_event,
    decode_session,
    encode_event,
    encode_row,
    encode_session,
    to_plain,
)
from dexgen_app.recording.reader import Recording
from dexgen_app.recording.schema import SCHEMA_NAMES, Event, Session, json_schema
from dexgen_app.recording.writer import RecordingWriter

DTYPE = row_dtype(JOINTS)


def as_stored(rows: np.ndarray) -> np.ndarray:
    """What must come back: no infinities, and no contacts beyond the count."""
    rows = rows.copy()
    for name in DTYPE.names or ():
        if rows[name].dtype.kind == "f":
            rows[name][~np.isfinite(rows[name])] = np.nan
    for row in rows:
        row["contacts"][max(0, int(row["contact_count"])) :] = np.nan
    return rows


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(min_size=DTYPE.itemsize, max_size=6 * DTYPE.itemsize))
def test_any_bytes_as_rows_come_back(tmp_path: Path, data: bytes) -> None:
    count = len(data) // DTYPE.itemsize
    rows = np.frombuffer(data, DTYPE, count).copy()
    rows["sequence"] = np.arange(count)
    (tmp_path / "any.mcap").unlink(missing_ok=True)
    writer = RecordingWriter(tmp_path / "any.mcap", Session.now(to_plain(make_hand()), {}))
    writer.write_rows(rows)
    writer.close()
    assert_rows_equal(Recording.open(writer.path).rows, as_stored(rows))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.integers(1, 8))
def test_random_rows_with_holes_come_back(
    tmp_path: Path, seed: int, missing: float, count: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = make_rows(count)
    for name in DTYPE.names or ():
        if rows[name].dtype.kind == "f":
            values = rng.normal(0, 10 ** rng.uniform(-6, 6), rows[name].shape)
            values[rng.random(values.shape) < missing] = rng.choice([np.nan, np.inf, -np.inf])
            rows[name] = values
    rows["contact_count"] = rng.integers(0, 17, count)
    (tmp_path / "holes.mcap").unlink(missing_ok=True)
    writer = RecordingWriter(tmp_path / "holes.mcap", Session.now(to_plain(make_hand()), {}))
    writer.write_rows(rows)
    writer.close()
    assert_rows_equal(Recording.open(writer.path).rows, as_stored(rows))


def test_messages_are_strict_json_with_the_fields_of_their_schema() -> None:
    row = make_rows(1)[0]
    row["effort"] = np.nan
    row["clip"] = [Clip.SPEED_LIMIT, 0, Clip.STOP | Clip.RAMP]

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is no JSON")

    messages = {t: json.loads(d, parse_constant=refuse) for t, d in encode_row(row)}
    assert set(messages) == set(SCHEMA_NAMES) - {"/events"}
    for topic, message in messages.items():
        assert set(message) == set(json_schema(topic, ("a", "b", "c"))["properties"]), topic
    assert messages["/hand"]["effort"] == [None] * JOINTS
    assert messages["/target"]["clip_reasons"] == ["STOP", "SPEED_LIMIT", "RAMP"]
    assert messages["/object"]["pose"]["orientation"] == {"x": 0, "y": 0, "z": 0, "w": 1}


def test_an_object_that_nobody_sees_has_no_message() -> None:
    row = make_rows(1)[0]
    row["object_pose"] = np.nan
    assert "/object" not in dict(encode_row(row))


def test_events_come_back_with_text_of_any_kind() -> None:
    event = Event(-5, "note", {"text": 'ä "quoted"\n\u2028 \ud83e\udd16', "n": 1.5, "none": None})
    decoded = decode_event(encode_event(event))
    assert (decoded.stamp_ns, decoded.kind) == (-5, "note")
    assert decoded.payload["n"] == 1.5 and decoded.payload["none"] is None
    assert decoded.payload["text"].startswith('ä "quoted"\n')


def test_a_lone_surrogate_does_not_stop_the_recorder() -> None:
    assert decode_event(encode_event(Event(0, "note", {"text": "a\ud800b"}))).payload["text"]


def test_plain_data_holds_no_infinity_and_no_objects() -> None:
    plain = to_plain({"a": np.float64("nan"), "b": (1, Path("/x")), "c": {3}, 4: object})
    assert plain["a"] is None and plain["b"] == [1, "/x"] and plain["c"] == [3]
    json.dumps(plain, allow_nan=False)


def test_the_session_comes_back() -> None:
    session = Session.now(to_plain(make_hand()), to_plain(SessionConfig(seed=3)))
    metadata = encode_session(session)
    assert all(isinstance(value, str) for value in metadata.values())
    assert decode_session(metadata) == session


@pytest.mark.parametrize("change", [{"schema_version": "99"}, {"hand": "{"}, {"wall_ns": "7"}])
def test_a_session_of_another_version_is_refused(change: dict[str, str]) -> None:
    metadata = encode_session(Session.now(to_plain(make_hand()), {})) | change
    with pytest.raises(RecordingError, match=r"layout version 99|damaged"):
        decode_session(metadata, where="x.mcap")


def test_rows_keep_their_order_over_chunks(write_recording: Callable[..., Path]) -> None:
    rows = make_rows(100)
    assert_rows_equal(Recording.open(write_recording(rows)).rows, as_stored(rows))
