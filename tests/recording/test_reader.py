"""Whole, cut, damaged and foreign files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.writer import Writer
from recording_samples import assert_rows_equal, make_hand, make_rows, read_plain

from dexgen_app.errors import RecordingError
from dexgen_app.live.protocol import SessionConfig
from dexgen_app.recording import codec
from dexgen_app.recording.reader import Recording
from dexgen_app.recording.schema import Event
from dexgen_app.spec import HandSpec, ObjectSpec, SceneSpec, WristProgram

EVENTS = [
    Event(1_100_000_000, "episode_begin", {"index": 0}),
    Event(1_200_000_000, "note", {"text": "slipped"}),
    Event(1_500_000_000, "episode_end", {"index": 0, "mark": "fail"}),
    Event(2_000_000_000, "dropped", {"rows": 4}),
]


@pytest.fixture
def path(write_recording: Callable[..., Path]) -> Path:
    return write_recording(make_rows(300), EVENTS)


def test_a_whole_file_comes_back(path: Path, hand: HandSpec) -> None:
    recording = Recording.open(path)
    assert_rows_equal(recording.rows, make_rows(300))
    assert not recording.truncated
    assert recording.hand == hand and recording.hand_id == hand.id
    assert recording.session_config() == SessionConfig(seed=7)
    assert recording.dropped == 4
    assert recording.times_s[0] == 0.0
    assert recording.seconds == pytest.approx(299 / 60, rel=1e-6)
    assert [event.kind for event in recording.events] == [event.kind for event in EVENTS]


def test_the_plain_reader_finds_index_metadata_and_messages(path: Path) -> None:
    with path.open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        assert summary.statistics.message_count == 300 * 8 + len(EVENTS)
        (metadata,) = reader.iter_metadata()
        assert metadata.metadata["quaternion_order"].startswith("wxyz")
        stamps = [m.log_time for _, c, m in reader.iter_messages(topics=["/loop"])]
        schemas = {schema.encoding for schema in summary.schemas.values()}
    assert stamps == make_rows(300)["stamp_ns"].tolist()
    assert schemas == {"jsonschema"}


def test_a_configuration_with_scene_comes_back(tmp_path: Path, hand: HandSpec) -> None:
    from dexgen_app.recording.schema import Session
    from dexgen_app.recording.writer import RecordingWriter

    scene = SceneSpec(
        object=ObjectSpec(shape="sphere", size=(0.05, 0.05, 0.05)),
        wrist=WristProgram(direction="palm_down", sweep_period=3.0),
    )
    config = SessionConfig(scene=scene, safety={"max_speed": 2.0}, disabled=("x",))
    for name, given in (("a", config), ("b", SessionConfig(scene=SceneSpec(object=None)))):
        session = Session.now(codec.to_plain(hand), codec.to_plain(given))
        RecordingWriter(tmp_path / name, session).close()
        assert Recording.open(tmp_path / name).session_config() == given


def test_only_some_topics(path: Path) -> None:
    recording = Recording.open(path, topics=("/target",))
    assert_rows_equal(
        recording.rows[["target", "stamp_ns"]], make_rows(300)[["target", "stamp_ns"]]
    )
    assert np.isnan(recording.rows["position"]).all()
    assert len(recording.episodes) == 1


def test_cut_anywhere_the_rest_is_read_and_never_invented(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    rng = np.random.default_rng(1)
    cut = tmp_path / "cut.mcap"
    rows = make_rows(300)
    most = 0
    for length in sorted(rng.integers(1, len(data) - 1, 60)):
        cut.write_bytes(data[:length])
        try:
            recording = Recording.open(cut)
        except RecordingError as error:
            assert length < 8000, error  # only while the description is not there
            continue
        count = len(recording.rows)
        assert recording.truncated or count == 300
        assert count >= most and count % 30 == 0
        most = count
        assert_rows_equal(recording.rows, rows[:count])
        assert len(read_plain(cut).get("/loop", [])) == count
    assert most >= 270


def test_damage_in_the_middle_ends_the_reading_there(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    path.write_bytes(data)
    recording = Recording.open(path)
    assert recording.truncated
    assert 0 < len(recording.rows) < 300
    assert_rows_equal(recording.rows, make_rows(300)[: len(recording.rows)])


def test_random_damage_gives_rows_or_a_clear_message(path: Path) -> None:
    data = path.read_bytes()
    rng = np.random.default_rng(2)
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            recording = Recording.open(path)
            assert recording.hand and recording.session_config()
        except RecordingError as error:
            assert str(path) in str(error)


def test_a_session_that_this_version_does_not_know_is_named(
    write_recording: Callable[..., Path],
) -> None:
    recording = Recording.open(write_recording(make_rows(2)))
    recording.session.config["scene"]["object"]["shape"] = "torus"  # type: ignore[index]
    recording.session.hand["side"] = None  # type: ignore[index]
    recording.session.hand["lower"].pop()
    with pytest.raises(RecordingError, match="unknown object shape 'torus'"):
        recording.session_config()
    with pytest.raises(RecordingError, match="lower has 2 values"):
        _ = recording.hand


def _foreign(path: Path) -> None:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema("s", "jsonschema", b"{}")
        channel = writer.register_channel("/loop", "json", schema)
        writer.add_message(channel, 0, b"{}", 0)
        writer.finish()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.write_bytes(b""), "empty"),
        (lambda p: p.write_bytes(b"PK\x03\x04" * 100), "not an MCAP file"),
        (lambda p: p.write_bytes(b"\x89MC"), "not an MCAP file"),
        (_foreign, "not recorded by dexgen-app"),
        (lambda p: p.mkdir(), "folder"),
        (lambda p: None, "no such file"),
    ],
)
def test_what_is_no_recording_is_named(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    path = tmp_path / "x.mcap"
    make(path)
    with pytest.raises(RecordingError, match=words) as caught:
        Recording.open(path)
    assert str(path) in str(caught.value)


def test_another_layout_version_is_refused(
    write_recording: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_recording(make_rows(2))
    monkeypatch.setattr(codec, "SCHEMA_VERSION", 2)
    with pytest.raises(RecordingError, match="layout version 1"):
        Recording.open(path)


def test_another_hand_is_refused(path: Path, hand: HandSpec) -> None:
    recording = Recording.open(path)
    recording.require_hand(hand)
    with pytest.raises(RecordingError, match="Connect testhand_right"):
        recording.require_hand(make_hand("testhand_left"))
    with pytest.raises(RecordingError, match="joints of testhand_right have changed"):
        recording.require_hand(make_hand(names=("a1", "a0", "a2")))


def test_a_session_without_rows_is_readable(write_recording: Callable[..., Path]) -> None:
    recording = Recording.open(write_recording(make_rows(0), EVENTS[:1]))
    assert len(recording.rows) == 0 and recording.seconds == 0.0
    assert not recording.episodes[0].complete


def test_an_existing_file_is_never_overwritten(
    path: Path, write_recording: Callable[..., Path]
) -> None:
    before = shutil.copy(path, path.with_suffix(".copy"))
    with pytest.raises(RecordingError, match="exists already"):
        write_recording(make_rows(1))
    assert path.read_bytes() == Path(before).read_bytes()
