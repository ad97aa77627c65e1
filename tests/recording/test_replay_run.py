"""Replay through a live session: what is sent, what is told, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording_samples import make_rows

from dexgen_app.__main__ import main
from dexgen_app.errors import DexgenError
from dexgen_app.live.protocol import (
    Arm,
    Connect,
    Failure,
    Ready,
    ReplayStatus,
    ResetScene,
    SessionConfig,
    StartReplay,
    StateChanged,
)
from dexgen_app.live.row import SessionState, row_dtype
from dexgen_app.recording.codec import empty_rows, to_plain
from dexgen_app.recording.replay_run import ReplayRun
from dexgen_app.recording.schema import Session
from dexgen_app.recording.terminal import FIRST_S, TerminalDeadMan
from dexgen_app.recording.writer import RecordingWriter
from dexgen_app.spec import HandSpec, SceneSpec

COMMAND = StartReplay(path="x.mcap")


class FakeSession:
    """Answers every poll with the next events of a script; then the worker is gone."""

    def __init__(self, hand: HandSpec, *script: list[Any]) -> None:
        self.script = list(script)
        self.sent: list[Any] = []
        self.dead_man: list[bool] = []
        self.closed = self.stopped = False
        self.ready = Ready(hand=hand, scene=SceneSpec(), real=False)
        self.ring = self

    def latest(self) -> np.void:
        rows = make_rows(1)
        rows["drops"] = 2
        return rows[0]

    def start(self) -> None:
        pass

    def heartbeat(self) -> None:
        pass

    def set_dead_man(self, held: bool) -> None:
        self.dead_man.append(held)

    def stop_now(self) -> None:
        self.stopped = True

    def send(self, command: Any) -> None:
        self.sent.append(command)

    def poll_events(self) -> list[Any]:
        if not self.script:
            raise EOFError
        events = self.script.pop(0)
        if events == ["interrupt"]:
            raise KeyboardInterrupt
        return [self.ready if event == "ready" else event for event in events]

    def close(self) -> None:
        self.closed = True


def status(phase: str, position: float = 1.0) -> ReplayStatus:
    return ReplayStatus(
        playing=phase != "done",
        position_s=position,
        length_s=1.0,
        phase=phase,  # type: ignore[arg-type]
        drift_rad=0.01,
        mean_drift_rad=0.01,
    )


def run(session: FakeSession, **options: Any) -> Any:
    return ReplayRun(session, COMMAND, tell=lambda line: None, **options).run()  # type: ignore[arg-type]


def test_it_connects_plays_and_tells_the_drift(hand: HandSpec) -> None:
    session = FakeSession(hand, [], ["ready"], [status("play", 0.5)], [status("done")])
    outcome = run(session)
    assert session.sent == [Connect(), COMMAND, Arm()] and session.closed
    assert outcome.drops == 2
    plain = outcome.as_dict()
    json.dumps(plain, allow_nan=False)
    assert plain["mean_drift_rad"] == 0.01 and plain["max_object_drift_m"] is None


def test_a_loop_puts_the_scene_back_and_ends_with_ctrl_c(hand: HandSpec) -> None:
    session = FakeSession(hand, ["ready"], [status("done")], ["interrupt"])
    assert run(session, repeat=True).status.phase == "done"
    assert session.sent == [Connect(), COMMAND, Arm(), ResetScene(), COMMAND, Arm()]
    assert session.stopped and session.closed


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ([["ready"], [Failure(what="no such thing", remedy="Look")]], "no such thing. Look"),
        ([[StateChanged(state=SessionState.FAULT, reason="too hot")]], "too hot"),
        ([["ready"]], "ended unexpectedly"),
    ],
)
def test_failures_end_it_with_their_reason(
    hand: HandSpec, script: list[list[Any]], words: str
) -> None:
    session = FakeSession(hand, *script)
    with pytest.raises(DexgenError, match=words):
        run(session)
    assert session.closed


def test_the_dead_man_switch_is_passed_on(hand: HandSpec) -> None:
    session = FakeSession(hand, ["ready"], [], [status("done")])
    answers = iter([False, True, True])
    run(session, dead_man=lambda: next(answers))
    assert session.dead_man == [False, True, True]


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Stand in for the terminal's keyboard."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield lambda keys: (os.write(ours, keys), time.sleep(0.02))[0]
    os.close(ours)


def test_the_space_bar_is_held_while_it_repeats(keyboard: Callable[[bytes], None]) -> None:
    with TerminalDeadMan() as dead_man:
        assert not dead_man.held()
        keyboard(b" ")
        assert dead_man.held()
        dead_man._last_s -= FIRST_S
        assert not dead_man.held()
        keyboard(b"x")
        assert not dead_man.held()
        keyboard(b" ")
        assert dead_man.held()
        keyboard(b" ")
        assert dead_man.held()
        dead_man._last_s -= 0.25  # a repeating key goes quiet sooner
        assert not dead_man.held()
        keyboard(b"q")
        with pytest.raises(KeyboardInterrupt):
            dead_man.held()


def test_without_a_terminal_a_real_hand_does_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(DexgenError, match="no terminal"):
            TerminalDeadMan()


@pytest.fixture
def allegro_recording(tmp_path: Path) -> Path:
    """Two seconds in which the Allegro hand moves its index finger a little, without object."""
    from dexgen_app.plugins import PluginRegistry

    hand = PluginRegistry.load(True).find_hand("allegro")
    rows = empty_rows(120, row_dtype(hand.joint_count))
    index = np.arange(len(rows))
    rows["sequence"] = index
    rows["stamp_ns"] = 10**9 + index * 16_666_667
    rows["target"] = hand.home
    rows["target"][:, 1] += 0.2 * np.sin(index / 20)
    rows["position"] = rows["target"]
    config = SessionConfig(engine="mujoco", scene=SceneSpec(object=None))
    session = Session.now(to_plain(hand), to_plain(config))
    writer = RecordingWriter(tmp_path / "allegro.mcap", session)
    writer.write_rows(rows)
    writer.close()
    return writer.path


@pytest.mark.slow
def test_replay_in_the_simulator_reports_its_drift(
    allegro_recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = allegro_recording.with_suffix(".json")
    arguments = ["replay", str(allegro_recording), "--in", "sim", "--report", str(report)]
    assert main(arguments) == 0
    told = json.loads(report.read_text())
    assert told["phase"] == "done" and told["engine"] == "mujoco"
    assert told["position_s"] == pytest.approx(119 / 60, abs=1e-3)
    assert 0.0 < told["mean_drift_rad"] < 0.05
    assert told["mean_object_drift_m"] is None
    assert "joints  mean" in capsys.readouterr().out


def test_the_view_is_opened_with_what_was_asked_for(
    allegro_recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unittest.mock import MagicMock, call

    application = MagicMock()

    def run_window(*, read_only: bool, after_start: Callable[[Any], None]) -> int:
        assert read_only
        after_start(application)
        return 0

    monkeypatch.setattr("dexgen_app.gui.app.run_window", run_window)
    arguments = ["--start", "0.5", "--end", "1.5", "--speed", "2", "--loop"]
    assert main(["replay", str(allegro_recording), *arguments]) == 0
    window = application.window
    window.open_review.assert_called_once_with(allegro_recording, -1)
    assert window.timeline.mock_calls == [
        call.set_range(0.5, 1.5),
        call.set_position(0.5),
        call.set_speed(2.0),
        call.set_loop(True),
        call.play(),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--in", "sim", "--speed", "9"], "speed 9"),
        (["--in", "sim", "--episode", "1"], "no episode 1"),
        (["--in", "sim", "--driver", "x"], "--driver is for --in hand"),
        (["--in", "hand"], "Add --driver"),
        (["--in", "hand", "--driver", "can"], "no driver 'can'"),
        (["--report", "x.json"], "Add --in sim"),
        (["--in", "sim", "--report", "/no/such/folder/x.json"], "/no/such/folder"),
        (["--episode", "1"], "no episode 1"),
    ],
)
def test_impossible_replays_are_one_line(
    allegro_recording: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    assert main(["replay", str(allegro_recording), *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_a_recording_of_a_hand_that_is_not_installed(
    write_recording: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(write_recording(make_rows(9))), "--in", "sim"]) == 2
    assert "testhand_right" in capsys.readouterr().err
