"""The worker process, from outside: what happens when one of the two sides goes wrong."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from live_fakes import CONTROLLER, DEVICE, GRASP, HAND

from dexgen_app.errors import DexgenError
from dexgen_app.live import protocol as p
from dexgen_app.live.client import LiveSession
from dexgen_app.live.ring import StateRing
from dexgen_app.live.row import Clip, SessionState, row_dtype

S = SessionState
PATIENCE_S = 60.0


class Person:
    """Sits at the window of a session: shows signs of life and waits for things to happen."""

    def __init__(self, driver="fake", device="fake", **config):
        self.session = LiveSession(
            p.SessionConfig(driver=driver, device=device, controller="fake", **config),
            hand=HAND,
            extensions=(DEVICE, CONTROLLER),
        )
        self.events = []
        self.session.start()

    def look(self, heartbeat=True):
        if heartbeat:
            self.session.heartbeat()
        with contextlib.suppress(EOFError):
            self.events += self.session.poll_events()
        return self.session.ring.latest()

    def wait(self, condition, heartbeat=True):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            row = self.look(heartbeat)
            if condition(row):
                return row
            time.sleep(0.005)
        raise AssertionError(f"it did not happen; last state {row and SessionState(row['state'])}")

    def wait_for(self, state):
        return self.wait(lambda row: row is not None and row["state"] == state)

    def event(self, kind):
        return next((e for e in reversed(self.events) if isinstance(e, kind)), None)

    def drive(self):
        self.session.send(p.Connect())
        self.wait_for(S.CONNECTED)
        self.session.send(p.Arm())
        self.session.set_dead_man(True)
        return self.wait_for(S.ACTIVE)


@pytest.fixture
def person():
    people = []

    def make(**config):
        people.append(Person(**config))
        return people[-1]

    yield make
    for one in people:
        one.session.close(10.0)


def test_a_session_from_start_to_end(person):
    one = person()
    one.drive()
    row = one.wait(lambda row: row["ramp"] == 1.0 and not (row["clip"] & ~np.uint32(8)).any())
    assert np.allclose(row["position"], np.clip(GRASP, *HAND.limits), atol=0.1)
    assert one.event(p.Ready).real
    assert one.session.worker_heartbeat_ns > 0
    name = one.session.ring.name
    one.session.close(10.0)
    assert not os.path.exists(name)
    assert not one.session.alive
    one.session.close()  # again does no harm


def test_stop_is_one_tick_away(person):
    one = person()
    one.drive()
    one.wait(lambda row: row["tick"] > 60)
    one.session.stop_now()
    pressed = one.session.ring.head
    one.wait_for(S.STOPPED)
    rows, _ = one.session.ring.read_since(pressed - 1)
    first = int(np.argmax(rows["stop"]))
    # The tick in which the flag was set may have been past its last look at it.
    assert rows["sequence"][first] <= pressed + 2
    after = rows["target"][first:]
    assert (after == after[0]).all()
    assert (rows["clip"][first + 1 :] & Clip.STOP).all()


def test_a_frozen_window_holds_the_hand_and_does_not_slow_the_worker(person):
    one = person()
    one.drive()
    before = one.look()
    frozen = time.monotonic()
    while time.monotonic() - frozen < 1.5:
        time.sleep(0.1)  # no heartbeat, no reading of events
    rows, _ = one.session.ring.read_since(int(before["sequence"]))
    assert len(rows) > 60
    assert rows["state"][-1] == S.ARMED
    assert (rows["clip"][-1] & Clip.HEARTBEAT).all()
    assert (rows["target"][-20:] == rows["target"][-1]).all()
    one.look()
    assert "does not answer" in one.event(p.StateChanged).reason


def test_a_killed_worker_is_noticed_and_its_last_rows_stay(person):
    one = person()
    one.drive()
    os.kill(one.session.pid, signal.SIGKILL)
    one.wait(lambda row: not one.session.alive)
    assert one.session.exitcode == -signal.SIGKILL
    assert one.session.ring.latest()["state"] == S.ACTIVE
    one.session.send(p.Arm())
    one.session.stop_now()


def test_a_terminated_worker_ends_cleanly(person):
    one = person()
    one.drive()
    os.kill(one.session.pid, signal.SIGTERM)
    one.wait(lambda row: not one.session.alive)
    assert one.session.exitcode == 0
    assert one.event(p.StateChanged).state == S.DISCONNECTED


@pytest.mark.parametrize("mode, word", [("raise", "suspended"), ("silent", "nothing")])
def test_a_bad_device_does_not_end_the_session(person, mode, word):
    one = person(device=f"fake:{mode}")
    one.session.send(p.Connect())
    one.wait(lambda row: one.event(p.DeviceStatus) and word in one.event(p.DeviceStatus).text)
    one.session.send(p.SelectDevice("fake"))
    one.session.set_dead_man(True)
    one.session.send(p.Arm())
    one.wait(lambda row: row["state"] == S.ACTIVE and not (row["clip"] & 1).any())


def test_a_faulty_hand_is_a_fault(person):
    one = person(driver="fake:nan=60")
    one.drive()
    one.wait_for(S.FAULT)
    assert HAND.joint_names[3] in one.event(p.Failure).where


def test_a_hand_that_is_not_there_says_what_to_do(person):
    one = person(driver="absent")
    one.session.send(p.Connect())
    one.wait(lambda row: one.event(p.Failure))
    assert one.event(p.Failure).remedy == "Plug it in"
    one.wait_for(S.DISCONNECTED)
    assert one.session.alive


@pytest.mark.parametrize(
    "config, word",
    [
        ({"driver": "nope"}, "absent"),
        ({"device": "nope"}, "keyboard"),
        ({"device": "replay:/no/such.npy"}, "no such file"),
    ],
)
def test_unknown_ids_name_what_exists(person, config, word):
    one = person(**config)
    one.session.send(p.Connect())
    one.wait(lambda row: one.event(p.Failure))
    failure = one.event(p.Failure)
    assert word in f"{failure.what} {failure.remedy}"


@pytest.mark.parametrize(
    "config", [{"rate_hz": 5.0}, {"safety": {"speed": 1.0}}, {"safety": {"jump": -1.0}}]
)
def test_an_unsound_configuration_is_refused_at_once(config):
    with pytest.raises(DexgenError):
        LiveSession(p.SessionConfig(**config), hand=HAND)


def test_an_unknown_hand_is_refused_at_once():
    with pytest.raises(DexgenError, match="allegro"):
        LiveSession(p.SessionConfig(hand="alegro"))


def test_a_flood_of_commands_does_not_hold_up_the_loop(person):
    one = person()
    one.drive()
    for _ in range(5000):
        one.session.send(p.DeviceInput({"key": "q", "down": True}))
    one.session.stop_now()
    one.wait_for(S.STOPPED)


ORPHAN = """
import os, sys, time
sys.path.insert(0, {folder!r})
if __name__ == "__main__":
    from test_worker import Person
    one = Person()
    one.drive()
    print(one.session.pid, one.session.ring.name, flush=True)
    while True:
        one.look()
        time.sleep(0.01)
"""


def test_a_killed_window_ends_the_worker_in_the_safe_state(tmp_path):
    script = tmp_path / "window.py"
    script.write_text(ORPHAN.format(folder=str(Path(__file__).parent)))
    window = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert window.stdout is not None
    pid, name = window.stdout.readline().split()
    ring = StateRing.attach(name, row_dtype(HAND.joint_count))
    window.kill()
    window.wait()
    deadline = time.monotonic() + PATIENCE_S
    while _alive(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(int(pid))
    rows, _ = ring.read_since(-1)
    assert rows["state"][-1] in (S.ACTIVE, S.ARMED)
    assert not os.path.exists(name)
    ring.close()


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
