"""``dexgen-app recordings``, recovery and exports, as a user meets them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from recording_samples import assert_rows_equal, make_rows

from dexgen_app.__main__ import main
from dexgen_app.recording.reader import Recording
from dexgen_app.recording.schema import Event

EVENTS = [
    Event(1_100_000_000, "episode_begin", {"index": 0}),
    Event(1_500_000_000, "episode_end", {"index": 0, "mark": "keep"}),
]


@pytest.fixture
def path(write_recording: Callable[..., Path]) -> Path:
    return write_recording(make_rows(120), EVENTS)


@pytest.fixture
def cut(path: Path) -> Path:
    """A file without an end."""
    cut = path.with_name("cut.mcap")
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    return cut


def test_list_shows_whole_cut_and_foreign_files(
    path: Path, cut: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path.parent / "notes.mcap").write_text("no recording at all")
    assert main(["recordings", "list", str(path.parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["whole" in lines[3], "cut short" in lines[1], "not an MCAP file" in lines[2]] == [
        True
    ] * 3


def test_list_of_an_empty_folder(dexgen_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "list"]) == 0
    assert "no recordings in" in capsys.readouterr().out


def test_info_describes(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "info", str(path), "--events"]) == 0
    text = capsys.readouterr().out
    for words in ("testhand_right, 3 joints", "120 rows (60.0 Hz)", "keep", "episode_begin"):
        assert words in text
    assert main(["recordings", "info", str(path), "--json", "--events"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["config"]["seed"] == 7 and described["episodes"][0]["mark"] == "keep"


def test_recover_makes_a_whole_file(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = cut.read_bytes()
    assert main(["recordings", "recover", str(cut)]) == 0
    made = cut.with_name("cut.recovered.mcap")
    assert str(made) in capsys.readouterr().out
    recovered, original = Recording.open(made), Recording.open(cut)
    assert original.truncated and not recovered.truncated
    assert cut.read_bytes() == before
    assert 30 <= len(recovered.rows) < 120
    assert_rows_equal(recovered.rows, original.rows)
    assert recovered.session == original.session
    assert recovered.episodes == original.episodes
    with made.open("rb") as file:
        assert make_reader(file).get_summary() is not None
    assert main(["recordings", "recover", str(cut)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_recover_takes_later_marks_along(cut: Path) -> None:
    assert main(["recordings", "mark", str(cut), "0", "discard"]) == 0
    assert main(["recordings", "recover", str(cut)]) == 0
    (episode,) = Recording.open(cut.with_name("cut.recovered.mcap")).episodes
    assert episode.mark == "discard"


def test_mark_and_note(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "mark", str(path), "0", "fail", "--note", "it fell"]) == 0
    (episode,) = Recording.open(path).episodes
    assert (episode.mark, episode.note) == ("fail", "it fell")
    assert main(["recordings", "mark", str(path), "0"]) == 2
    assert main(["recordings", "mark", str(path), "5", "keep"]) == 2
    assert "It has: 0" in capsys.readouterr().err


def test_export_npz_holds_every_field(path: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.npz"
    assert main(["recordings", "export", str(path), "--npz", "--output", str(output)]) == 0
    rows = make_rows(120)
    with np.load(output, allow_pickle=False) as data:
        assert data["joint_names"].tolist() == ["a0", "a1", "a2"]
        for name in rows.dtype.names or ():
            np.testing.assert_array_equal(data[name], rows[name])


def test_export_csv_of_an_episode(path: Path) -> None:
    assert main(["recordings", "export", str(path), "--csv", "--episode", "0"]) == 0
    with path.with_suffix(".csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    rows = Recording.open(path).episode_rows(0)
    assert len(table) == len(rows) == 24
    assert float(table[3]["target.a1"]) == rows["target"][3, 1]
    assert float(table[3]["object_pose.qw"]) == 1.0
    assert table[3]["temperature.a0"] == "nan"


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["info", str(tmp_path / "none.mcap")],
        ["list", str(tmp_path / "nowhere")],
        ["export", str(tmp_path), "--csv"],
    ):
        assert main(["recordings", *arguments]) == 2
        error = capsys.readouterr().err
        assert error.startswith("dexgen-app: ") and error.count("\n") == 1
