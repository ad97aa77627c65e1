from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PyQt6.QtCore import QSize
from pytestqt.qtbot import QtBot
from view_samples import HAND, STEP_NS, make_rows, write_recording

from dexgen_app.errors import InputError, RecordingError
from dexgen_app.gui.export_view import with_suffix
from dexgen_app.gui.exporter import Exporter
from dexgen_app.gui.review import ReviewController, thumbnail
from dexgen_app.gui.review_events import clip_bursts
from dexgen_app.gui.timeline import Timeline
from dexgen_app.gui.view3d import HandView
from dexgen_app.live.row import Clip
from dexgen_app.recording.reader import Recording
from dexgen_app.render.export_job import ExportJob, run_export


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_recording(tmp_path)


@pytest.fixture
def review(qtbot: QtBot) -> Iterator[ReviewController]:
    view, timeline = HandView(), Timeline()
    qtbot.addWidget(view)
    qtbot.addWidget(timeline)
    view.resize(160, 120)
    yield ReviewController(view, timeline, parent=timeline)


def test_opening_shows_the_first_row(
    review: ReviewController, recording: Path, qtbot: QtBot
) -> None:
    rows = []
    review.row_changed.connect(lambda row, index: rows.append((int(row["tick"]), index)))
    with qtbot.waitSignal(review.opened):
        review.open(recording)
    assert rows == [(0, 0)]
    timeline = review._timeline
    assert timeline.duration == pytest.approx(99 * STEP_NS / 1e9)
    timeline.step_forward()
    timeline.step_forward()
    assert rows[-1] == (2, 2)
    timeline.to_end()
    assert rows[-1] == (99, 99)


def test_events_become_ticks(review: ReviewController, recording: Path) -> None:
    review.open(recording)
    events = {event.text: event for event in review._timeline.track.events}
    assert set(events) == {
        "Episode 0 keep",
        "ACTIVE armed",
        "Note: slips",
        "Filter: speed limit",
        "Filter: step limit",
    }
    assert events["Episode 0 keep"].time_s == pytest.approx(0.4)
    assert events["Episode 0 keep"].end_s == pytest.approx(1.4)
    assert events["Note: slips"].time_s == pytest.approx(0.6)
    assert events["Filter: speed limit"].end_s == pytest.approx(0.26)


def test_one_episode(review: ReviewController, recording: Path) -> None:
    review.open(recording, episode=0)
    assert review._timeline.duration == pytest.approx(1.0)
    assert int(review.rows[0]["tick"]) == 20
    assert review._timeline.track.events[0].time_s == pytest.approx(0.0)


def test_bad_files_and_episodes_are_refused(
    review: ReviewController, recording: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecordingError):
        review.open(tmp_path / "missing.mcap")
    with pytest.raises(RecordingError, match="no episode 7"):
        review.open(recording, episode=7)
    assert review.recording is None


def test_closing_empties_the_timeline(
    review: ReviewController, recording: Path, qtbot: QtBot
) -> None:
    review.open(recording)
    with qtbot.waitSignal(review.closed):
        review.close()
    assert review._timeline.duration == 0.0
    review._timeline.set_position(1.0)
    assert review.index == -1


def test_the_marked_range_is_exported(
    review: ReviewController, recording: Path, tmp_path: Path
) -> None:
    review.open(recording)
    review._timeline.set_range(0.4, 0.8)
    shares: list[float] = []
    job = review.export_job(tmp_path / "clip.gif", size=(64, 48), fps=10.0)
    assert ExportJob.from_json(job.to_json()) == job
    path = run_export(job, lambda share: shares.append(share) is None)
    assert shares[-1] == pytest.approx(1.0)
    with Image.open(path) as image:
        assert len(shares) == 5
        assert image.n_frames in (4, 5)  # equal pictures may be merged
    assert review.index == 0


def test_an_export_runs_beside_the_window(
    review: ReviewController, recording: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    review.open(recording)
    review._timeline.set_range(0.4, 0.5)
    exporter = Exporter()
    with qtbot.waitSignal(exporter.done, timeout=60_000) as done:
        exporter.start(review.export_job(tmp_path / "frames", size=(64, 48)))
        with pytest.raises(InputError, match="runs already"):
            exporter.start(review.export_job(tmp_path / "more"))
    assert len(list(Path(done.args[0]).glob("*.png"))) == 3


def test_a_cancelled_export_leaves_no_half_file(
    review: ReviewController, recording: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    review.open(recording)
    exporter = Exporter()
    with qtbot.waitSignal(exporter.failed, timeout=60_000) as failed:
        exporter.progress.connect(lambda _: exporter.cancel())
        exporter.start(review.export_job(tmp_path / "clip.gif", fps=100.0))
    assert failed.args == [""] and not list(tmp_path.glob("clip.gif*"))


def test_an_export_that_fails_says_why(
    review: ReviewController, recording: Path, qtbot: QtBot
) -> None:
    review.open(recording)
    exporter = Exporter()
    with qtbot.waitSignal(exporter.failed, timeout=60_000) as failed:
        exporter.start(review.export_job("/proc/nowhere/clip.gif"))
    assert "cannot be written" in failed.args[0]


@pytest.mark.parametrize(
    ("typed", "kind", "path"),
    [
        ("a", "Animation (*.gif)", "a.gif"),
        ("a.gif", "Animation (*.webp)", "a.gif"),
        ("a.b", "Animation (*.webp)", "a.b.webp"),
        ("a", "Folder of PNG pictures (*)", "a"),
    ],
)
def test_the_kind_chooses_the_suffix(typed: str, kind: str, path: str) -> None:
    assert with_suffix(Path(typed), kind) == Path(path)


def test_nothing_open_nothing_exported(review: ReviewController, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no recording is open"):
        review.export_job(tmp_path / "clip.gif")


def test_thumbnails(recording: Path, qtbot: QtBot) -> None:
    opened = Recording.open(recording)
    image = thumbnail(opened, size=QSize(80, 60))
    assert image.size() == QSize(80, 60)
    assert thumbnail(opened, 0, QSize(80, 60)) != image


def test_clip_bursts_bridge_gaps_and_leave_out_holding() -> None:
    rows = make_rows(60)
    rows["clip"][:, 0] = Clip.DEAD_MAN | Clip.NOT_ARMED
    assert clip_bursts(rows) == []
    rows["clip"][[5, 10, 40], 1] = [Clip.JUMP, Clip.SPEED_LIMIT, Clip.JUMP]
    bursts = clip_bursts(rows)
    assert [round(burst.time_s, 2) for burst in bursts] == [0.1, 0.8]
    assert bursts[0].text == "Filter: speed limit, jump"
    assert np.isclose(bursts[0].end_s, 0.2)


def test_the_hand_is_that_of_the_recording(review: ReviewController, recording: Path) -> None:
    review.open(recording)
    assert review._view.stage is not None
    assert review._view.stage.hand.spec.joint_names == HAND.joint_names
