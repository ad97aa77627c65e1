"""The recorder's process: kills at any moment, a worker that dies, disks that are full."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from recording_samples import JOINTS, make_rows, read_plain, wait_until

from dexgen_app.live.protocol import SessionConfig
from dexgen_app.live.ring import StateRing
from dexgen_app.live.row import row_dtype
from dexgen_app.recording.reader import Recording
from dexgen_app.recording.recorder import Recorder, new_recording_path
from dexgen_app.spec import HandSpec

DTYPE = row_dtype(JOINTS)
SECOND_NS = 1_000_000_000


class Feed:
    """Writes a row into a ring 60 times a second, as the live loop does."""

    def __init__(self, period_s: float = 1 / 60) -> None:
        self.ring = StateRing.create(DTYPE)
        self._rows = make_rows(200)
        self._period_s = period_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        index = 0
        while not self._over.wait(self._period_s):
            row = self._rows[index % len(self._rows)]
            row["stamp_ns"] = time.monotonic_ns()
            self.ring.write(row)
            index += 1

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def close(self) -> None:
        self.stop()
        self.ring.close()
        self.ring.unlink()


@pytest.fixture
def feed() -> Iterator[Feed]:
    feed = Feed()
    yield feed
    feed.close()


@pytest.fixture
def make_recorder(feed: Feed, hand: HandSpec) -> Iterator[Callable[..., Recorder]]:
    made: list[Recorder] = []

    def make(path: str | Path = "") -> Recorder:
        recorder = Recorder(path, feed.ring.name, DTYPE, SessionConfig(seed=5), hand)
        made.append(recorder)
        recorder.start()
        return recorder

    yield make
    for recorder in made:
        recorder.join(10.0)


def test_rows_and_events_arrive_and_the_file_is_whole(
    make_recorder: Callable[..., Recorder], tmp_path: Path
) -> None:
    recorder = make_recorder(tmp_path / "session")
    recorder.note_event("episode_begin", {"index": 0})
    wait_until(lambda: recorder.poll().rows > 60)
    recorder.note_event("episode_end", {"index": 0, "mark": "keep"})
    status = recorder.join()
    assert (status.active, status.error, status.dropped) == (False, "", 0)
    recording = Recording.open(tmp_path / "session.mcap")
    assert not recording.truncated
    assert len(recording.rows) == status.rows
    assert (np.diff(recording.rows["sequence"]) == 1).all()
    assert [episode.mark for episode in recording.episodes] == ["keep"]
    assert recording.config["seed"] == 5
    assert recording.events[-1].payload == {"reason": "stopped by the user"}


def test_an_empty_path_takes_new_names_in_the_recordings_folder(
    make_recorder: Callable[..., Recorder], dexgen_home: Path
) -> None:
    recorder = make_recorder()
    assert recorder.path.parent == dexgen_home / "data" / "recordings"
    wait_until(recorder.path.exists)
    assert not new_recording_path("testhand_right").exists()


def test_starting_stopping_and_noting_never_wait(
    make_recorder: Callable[..., Recorder], tmp_path: Path
) -> None:
    recorder = make_recorder(tmp_path / "a.mcap")
    wait_until(lambda: recorder.poll().rows > 0)
    os.kill(recorder.pid or 0, signal.SIGSTOP)
    for _ in range(200):
        recorder.note_event("note", {"text": "x" * 5000})
    assert recorder.poll().active
    recorder.stop()
    recorder.note_event("note", {"text": "too late"})
    os.kill(recorder.pid or 0, signal.SIGCONT)
    assert recorder.join().error == ""
    notes = [e for e in Recording.open(recorder.path).events if e.kind == "note"]
    assert len(notes) == 200


def test_killed_at_twenty_moments_at_most_a_second_is_lost(
    feed: Feed, hand: HandSpec, tmp_path: Path
) -> None:
    rng = np.random.default_rng()
    waits = np.sort(rng.uniform(0.0, 1.6, 20))
    recorders = []
    for part in (waits[0::4], waits[1::4], waits[2::4], waits[3::4]):
        wave = []
        for _ in part:
            path = tmp_path / f"{len(recorders) + len(wave)}.mcap"
            recorder = Recorder(path, feed.ring.name, DTYPE, SessionConfig(), hand)
            recorder.start()
            wave.append((recorder, time.monotonic_ns()))
        wait_until(lambda wave=wave: all(_size(r.path) for r, _ in wave))
        begin = time.monotonic()
        for wait, (recorder, started_ns) in zip(part, wave):
            time.sleep(max(0.0, begin + wait - time.monotonic()))
            killed_ns = time.monotonic_ns()
            os.kill(recorder.pid or 0, signal.SIGKILL)
            recorders.append((recorder, started_ns, killed_ns))
    assert len(recorders) == 20
    truth_ns = feed.ring.read_since(-1)[0]["stamp_ns"]
    whole = 0
    for recorder, started_ns, killed_ns in recorders:
        wait_until(lambda recorder=recorder: not recorder.poll().active)
        assert "ended unexpectedly" in recorder.poll().error
        stamps = {message["stamp_ns"] for message in read_plain(recorder.path).get("/loop", [])}
        needed = truth_ns[(truth_ns > started_ns) & (truth_ns < killed_ns - SECOND_NS)]
        assert stamps.issuperset(needed.tolist()), f"{recorder.path.name} lost more than 1 s"
        whole += len(needed) > 0
        if stamps:
            recording = Recording.open(recorder.path)
            assert recording.truncated and set(recording.rows["stamp_ns"].tolist()) == stamps
    assert whole >= 5  # enough of them lived long enough to have something to lose


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _live_worker(path: str, hand: HandSpec, started: object) -> None:
    """Stand in for the live session's process: feed a ring, record it, wait to be killed."""
    feed = Feed()
    recorder = Recorder(path, feed.ring.name, DTYPE, SessionConfig(), hand)
    recorder.start()
    wait_until(lambda: recorder.poll().rows > 30)
    started.set()  # type: ignore[attr-defined]
    time.sleep(60)


def test_a_killed_worker_leaves_a_whole_file_and_no_process(hand: HandSpec, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    path = tmp_path / "orphan.mcap"
    worker = context.Process(target=_live_worker, args=(str(path), hand, started))
    worker.start()
    assert started.wait(30)
    recorder_pid = Recording.open(path).events[0].payload["pid"]
    worker.kill()
    worker.join()
    wait_until(lambda: not _alive(recorder_pid))
    recording = Recording.open(path)
    assert not recording.truncated and len(recording.rows) > 30
    assert "ended without closing" in recording.events[-1].payload["reason"]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_sigterm_closes_the_file(make_recorder: Callable[..., Recorder], tmp_path: Path) -> None:
    recorder = make_recorder(tmp_path / "a.mcap")
    wait_until(lambda: recorder.poll().rows > 10)
    os.kill(recorder.pid or 0, signal.SIGTERM)
    wait_until(lambda: not recorder.poll().active)
    assert recorder.poll().error == ""
    recording = Recording.open(recorder.path)
    assert not recording.truncated
    assert recording.events[-1].payload == {"reason": "the recorder was told to end"}


def test_a_size_limit_stops_the_recording_and_keeps_what_is_there(
    make_recorder: Callable[..., Recorder], tmp_path: Path
) -> None:
    recorder = make_recorder(tmp_path / "a.mcap")
    wait_until(lambda: recorder.poll().rows > 10)
    limit = recorder.path.stat().st_size + 3000
    resource.prlimit(recorder.pid or 0, resource.RLIMIT_FSIZE, (limit, limit))
    wait_until(lambda: not recorder.poll().active)
    status = recorder.poll()
    assert "the file has reached the size limit" in status.error
    recording = Recording.open(recorder.path)
    assert recording.truncated and len(recording.rows) == status.rows > 10


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_recording_and_keeps_what_is_there(
    make_recorder: Callable[..., Recorder], small_disk: Path
) -> None:
    recorder = make_recorder(small_disk / "a.mcap")
    wait_until(lambda: not recorder.poll().active, 60.0)
    status = recorder.poll()
    assert "the disk is full. Free some space" in status.error
    recording = Recording.open(recorder.path)
    assert recording.truncated and len(recording.rows) == status.rows > 10


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/proc/nothing.mcap", "the folder does not exist|no permission"),
        ("missing/a.mcap", "the folder does not exist"),
        ("file/a.mcap", "the folder is not a folder"),
        ("file", "exists already"),
        ("x" * 300 + ".mcap", "the name is too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(
    make_recorder: Callable[..., Recorder], tmp_path: Path, path: str, words: str
) -> None:
    (tmp_path / "file.mcap").write_text("mine")
    (tmp_path / "file").write_text("mine")
    recorder = make_recorder(tmp_path / path)
    wait_until(lambda: not recorder.poll().active)
    assert re.search(words, recorder.poll().error), recorder.poll().error
    assert (tmp_path / "file.mcap").read_text() == "mine"


def test_rows_that_the_ring_lost_are_counted_and_written(
    make_recorder: Callable[..., Recorder], feed: Feed, tmp_path: Path
) -> None:
    recorder = make_recorder(tmp_path / "a.mcap")
    wait_until(lambda: recorder.poll().rows > 10)
    os.kill(recorder.pid or 0, signal.SIGSTOP)
    feed.stop()
    rows = make_rows(1)
    for _ in range(feed.ring.capacity + 500):
        rows["stamp_ns"] = time.monotonic_ns()
        feed.ring.write(rows[0])
    os.kill(recorder.pid or 0, signal.SIGCONT)
    wait_until(lambda: recorder.poll().dropped > 0)
    status = recorder.join()
    recording = Recording.open(recorder.path)
    assert status.dropped == recording.dropped >= 500
    last = int(recording.rows["sequence"][-1])
    assert last == feed.ring.head
    assert last - int(recording.rows["sequence"][0]) + 1 == len(recording.rows) + status.dropped
