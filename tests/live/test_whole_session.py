"""Whole sessions on a simulated hand: record, replay, calibrate, change things while running."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from live_fakes import CONTROLLER, DEVICE, HAND

from dexgen_app.__main__ import main
from dexgen_app.live import protocol as p
from dexgen_app.live.client import LiveSession
from dexgen_app.live.headless import HeadlessRun, run_headless
from dexgen_app.live.row import STAGES, SessionState
from dexgen_app.recording.reader import Recording

S = SessionState
HEADLESS = ["live", "--headless", "--engine", "mujoco"]


def wait(session, events, condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        session.heartbeat()
        events += session.poll_events()
        if condition(session.ring.latest()):
            return
        time.sleep(0.005)
    raise AssertionError(f"it did not happen; events {events[-5:]}")


def last(events, kind):
    return next((e for e in reversed(events) if isinstance(e, kind)), None)


def test_record_replay_calibrate_and_reset_in_one_session(tmp_path, human_clip_path):
    path = tmp_path / "session.mcap"
    config = p.SessionConfig(engine="mujoco", device="script:0.2", hold_dead_man=True)
    session, events = LiveSession(config), []
    session.start()
    try:
        session.send(p.Connect())
        session.send(p.StartRecording(str(path)))
        session.send(p.Arm())
        session.send(p.StartEpisode())
        wait(session, events, lambda row: row is not None and row["state"] == S.ACTIVE)
        wait(session, events, lambda row: row["episode"] == 0 and row["ramp"] == 1.0)
        session.send(p.Annotate("a note"))
        session.send(p.EndEpisode("keep"))
        session.send(p.StopRecording())
        wait(session, events, lambda row: last(events, p.EpisodeChanged).mark == "keep")
        wait(session, events, lambda row: not last(events, p.RecordingStatus).active)
        assert not last(events, p.RecordingStatus).error

        recording = Recording.open(path)
        assert recording.session_config().device == "script:0.2"
        assert len(recording.episodes) == 1 and recording.episodes[0].mark == "keep"
        assert np.isfinite(recording.rows["target"][-1]).all()

        session.send(p.StartReplay(str(path), episode=0, speed=2.0))
        wait(session, events, lambda row: last(events, p.ReplayStatus) is not None)
        wait(session, events, lambda row: last(events, p.ReplayStatus).phase == "done")
        wait(session, events, lambda row: row["state"] == S.CONNECTED)

        session.send(p.SelectDevice(f"replay:{human_clip_path}"))
        session.send(p.Calibrate())
        wait(session, events, lambda row: last(events, p.CalibrationDone) is not None)
        assert set(last(events, p.CalibrationDone).scales) == {"thumb", "index", "middle", "ring"}

        session.send(p.SelectDevice("keyboard"))
        session.send(p.Arm())
        wait(session, events, lambda row: row["state"] == S.ACTIVE)
        before = session.ring.latest()["target"]
        session.send(p.DeviceInput({"key": "a", "down": True}))
        wait(session, events, lambda row: np.abs(row["target"] - before).max() > 0.1)
        session.send(p.DeviceInput({"mode": "fingertip"}))
        session.send(p.SetWrist(p.WristProgram(direction="fingers_up")))
        wait(session, events, lambda row: row["gravity"][2] < -0.9)
        session.send(p.ResetScene())
        wait(session, events, lambda row: row["state"] == S.CONNECTED and row["held"])
        assert not [e for e in events if isinstance(e, p.Failure)]
    finally:
        session.close(10.0)


def test_the_command_line_records_and_reports(tmp_path, capsys):
    record, report = tmp_path / "out.mcap", tmp_path / "report.json"
    options = ["--device", "script", "--seconds", "2", "--param", "smoothing=0.05"]
    files = ["--record", str(record), "--report", str(report)]
    assert main([*HEADLESS, *options, *files]) == 0
    printed = capsys.readouterr().out
    assert "ACTIVE" in printed and "retarget" in printed and "real-time factor" in printed
    figures = json.loads(report.read_text())
    assert figures["engine"] == "mujoco" and figures["ticks"] > 60
    assert figures["recording"]["rows"] == len(Recording.open(record).rows)
    assert figures["latency_ms"]["total"]["p50"] > 0
    assert figures["failures"] == []
    assert figures["config"]["parameters"] == {"smoothing": 0.05}
    assert figures["config"]["seed"] == figures["seed"] == 0
    assert set(figures["latency_ms"]) == set(STAGES)
    assert figures["clips_percent"]["ramp"] >= 0 and figures["object_drops"] >= 0
    assert Recording.open(record).session_config().parameters == {"smoothing": 0.05}


def test_ctrl_c_ends_it_cleanly():
    process = subprocess.Popen(
        [sys.executable, "-m", "dexgen_app", *HEADLESS, "--no-object"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "ACTIVE" in line:
            break
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the worker as well
    rest = process.stdout.read()
    assert process.wait(30) == 0
    assert "DISCONNECTED" in rest and "ticks at" in rest and "Traceback" not in rest


@pytest.mark.parametrize(
    "options, words",
    [
        (["--hand", "alegro"], ["alegro", "allegro"]),
        (["--device", "replay:/no/such.npy"], ["no such file"]),
        (["--device", "slider"], ["sliders"]),
        (["--controller", "drect"], ["direct"]),
        (["--driver", "can"], ["sim"]),
        (["--param", "smoothing"], ["NAME=VALUE"]),
        (["--param", "smoothing=9"], ["smoothing", "0.5"]),
        (["--param", "smooth=0.1"], ["Known: smoothing"]),
        (["--wrist", "palm_up:nan"], ["length of time"]),
        (["--seed", "-1"], ["seed"]),
        (["--rate", "nan"], ["500"]),
        (["--report", "/tmp"], ["folder"]),
        (["--report", "same", "--record", "same"], ["overwrite"]),
        (["--safety", "speed=1"], ["speed_scale"]),
        (["--wrist", "sideways"], ["palm_up"]),
        (["--object-size", "big"], ["not a number"]),
        (["--object-size", "5"], ["0.5 m"]),
        (["--rate", "5"], ["500"]),
        (["--seconds", "-1"], ["length of time"]),
        (["--record", __file__], ["never overwritten"]),
        (["--report", "/no/such/folder/r.json"], ["/no/such/folder"]),
        (["--driver", "can", "--auto-arm"], ["window"]),
    ],
)
def test_a_mistake_has_one_clear_answer(options, words, capsys):
    status = main([*HEADLESS, "--no-object", "--seconds", "0.1", *options])
    printed = "".join(capsys.readouterr())
    assert status == 2
    for word in words:
        assert word in printed
    assert "Traceback" not in printed


def test_a_device_that_never_sends_anything_is_a_failure():
    session = LiveSession(
        p.SessionConfig(engine="mujoco", driver="fake", device="fake:silent", controller="fake"),
        hand=HAND,
        extensions=(DEVICE, CONTROLLER),
    )
    lines: list[str] = []
    run = HeadlessRun(session, seconds=0.3, record="", arm=True, say=lines.append)
    try:
        run.run()
    finally:
        session.close(10.0)
    assert "nothing" in run.failures[0].what and run.failures[0].where == "fake:silent"
    assert run.report()["failures"] and "nothing" in run.report()["device_status"]


def test_what_the_controller_remarks_is_said_while_it_moves_the_hand() -> None:
    lines: list[str] = []
    session = LiveSession(p.SessionConfig(), hand=HAND, extensions=(DEVICE, CONTROLLER))
    run = HeadlessRun(session, seconds=1.0, record="", arm=True, say=lines.append)
    for state in (S.ARMED, S.ACTIVE):
        run._take(p.StateChanged(state=state))
        for remark in ("It waits.", ""):
            run._take(p.ControllerStatus(controller="fake", remark=remark))
    session.close(1.0)
    assert lines == ["ARMED", "ACTIVE", "fake: It waits."]


def test_options_of_a_run_without_a_window_need_it(capsys):
    assert main(["live", "--seconds", "3"]) == 2
    assert "--headless" in capsys.readouterr().err


@pytest.mark.genesis
@pytest.mark.slow
def test_genesis_end_to_end(tmp_path, human_clip_path):
    record, report = tmp_path / "out.mcap", tmp_path / "report.json"
    lines = []
    config = p.SessionConfig(device=f"replay:{human_clip_path}", hold_dead_man=True)
    status = run_headless(
        config, seconds=4.0, record=str(record), report=str(report), say=lines.append
    )
    assert status == 0, lines
    figures = json.loads(report.read_text())
    assert figures["engine"] == "genesis" and figures["ticks"] > 100
    rows = Recording.open(record).rows
    assert np.isfinite(rows["object_pose"]).all()
    lower, upper = Recording.open(record).hand.limits
    targets = rows["target"][rows["state"] == S.ACTIVE]
    assert ((targets >= lower) & (targets <= upper)).all()
