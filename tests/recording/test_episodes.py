"""Episodes, and marks and notes that change after the recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from recording_samples import make_rows

from dexgen_app.errors import RecordingError
from dexgen_app.recording.episodes import find_episodes, sidecar_path
from dexgen_app.recording.reader import Recording
from dexgen_app.recording.schema import Event

BEGIN_NS = 1_000_000_000


def event(seconds: float, kind: str, **payload: object) -> Event:
    return Event(BEGIN_NS + round(seconds * 1e9), kind, payload)


EVENTS = [
    event(0.5, "episode_begin", index=0),
    event(0.7, "note", text="slow"),
    event(1.0, "episode_end", index=0, mark="keep"),
    event(1.2, "note", text="between"),
    event(1.5, "episode_begin", index=1),
]


@pytest.fixture
def path(write_recording: Callable[..., Path]) -> Path:
    return write_recording(make_rows(121), EVENTS)


def test_a_pair_of_events_is_an_episode(path: Path) -> None:
    first, second = Recording.open(path).episodes
    assert (first.begin_s, first.end_s) == (0.5, 1.0)
    assert (first.mark, first.note, first.complete) == ("keep", "slow", True)
    assert (second.mark, second.complete) == ("", False)
    assert second.end_s == pytest.approx(2.0, abs=1e-6)


def test_rows_of_an_episode_lie_between_its_events(path: Path) -> None:
    recording = Recording.open(path)
    rows = recording.episode_rows(0)
    assert len(rows) == 30
    assert rows["stamp_ns"][0] >= recording.episode(0).begin_ns
    with pytest.raises(RecordingError, match="It has: 0, 1"):
        recording.episode_rows(7)


def test_an_end_without_a_begin_is_ignored_and_a_second_begin_ends_the_first() -> None:
    events = [
        event(0, "episode_end", mark="keep"),
        event(1, "episode_begin", index=4),
        event(2, "episode_begin", index=5),
        event(3, "episode_end", mark="fail"),
    ]
    first, second = find_episodes(events, BEGIN_NS, BEGIN_NS + 10**10)
    assert (first.index, first.end_s, first.complete) == (4, 2.0, False)
    assert (second.index, second.end_s, second.mark) == (5, 3.0, "fail")


def test_edits_live_beside_a_file_that_does_not_change(path: Path) -> None:
    before = path.read_bytes()
    edits = Recording.open(path).edit_episode(1, mark="discard", note="dropped it\ntwice")
    Recording.open(path).edit_episode(0, note="")
    assert edits == sidecar_path(path) == path.with_name("session.episodes.toml")
    first, second = Recording.open(path).episodes
    assert (first.mark, first.note) == ("keep", "")
    assert (second.mark, second.note) == ("discard", "dropped it\ntwice")
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == [edits.name, path.name]


@pytest.mark.parametrize(
    ("index", "mark", "words"), [(9, "keep", "no episode 9"), (0, "good", "Known: keep, fail")]
)
def test_wrong_edits_are_refused(path: Path, index: int, mark: str, words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        Recording.open(path).edit_episode(index, mark=mark)
    assert not sidecar_path(path).exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('schema_version = 1\nrecording_id = "x"\nepisode = []', "belong to another recording"),
        ("schema_version = 2", "layout version 2"),
        ("schema_version = ", "damaged"),
        ("episode = 3", "damaged"),
    ],
)
def test_a_wrong_file_of_edits_is_named(path: Path, text: str, words: str) -> None:
    sidecar_path(path).write_text(text)
    with pytest.raises(RecordingError, match=words) as caught:
        Recording.open(path)
    assert "session.episodes.toml" in str(caught.value)
