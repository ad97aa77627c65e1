import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from live_fakes import (
    CONTROLLER,
    DEVICE,
    GRASP,
    HAND,
    HOME,
    FakeController,
    FakeDevice,
    FakeDriver,
    N,
    state,
)

from dexgen_app.errors import DexgenError
from dexgen_app.live.controller_link import ControllerLink, check_parameter
from dexgen_app.live.device_link import DeviceLink, split_id
from dexgen_app.live.guard import PluginGuard
from dexgen_app.live.hand_link import HandFault, HandLink
from dexgen_app.live.outbox import Outbox
from dexgen_app.live.protocol import (
    ControllerStatus,
    DeviceStatus,
    Failure,
    LogLine,
    PluginHealth,
    StateChanged,
)
from dexgen_app.spec import ControlInput, HandCommand, ParameterSpec

MS = 1_000_000


@pytest.fixture
def events():
    return []


def device_link(events, mode=""):
    device = FakeDevice()
    device.mode = mode
    return DeviceLink("fake", DEVICE, device, HAND, 0.15, events.append)


# Device -------------------------------------------------------------------------------------


def test_a_good_sample_comes_through(events):
    link = device_link(events)
    assert np.array_equal(link.read(MS, state()).values, GRASP)


@pytest.mark.parametrize(
    "mode, word",
    [
        ("silent", "nothing yet"),
        ("repeat", "nothing new"),
        ("nan", "finite"),
        ("shape", "shape"),
        ("lost", "lost"),
        ("garbage", "str"),
        ("raise", "suspended"),
    ],
)
def test_every_defect_ends_in_no_sample_and_one_message(events, mode, word):
    link = device_link(events, mode)
    samples = [link.read(tick * 17 * MS, state()) for tick in range(1, 40)]
    assert samples[-1] is None
    told = [e for e in events if isinstance(e, DeviceStatus)]
    assert word in told[-1].text and not told[-1].connected
    assert len(events) < 6


def test_a_repeated_sample_is_fresh_at_first_and_then_stale(events):
    link = device_link(events, "repeat")
    fresh = [link.read(tick * 20 * MS, state()) is not None for tick in range(1, 20)]
    assert fresh[0] and not fresh[-1]
    assert fresh == sorted(fresh, reverse=True)
    assert 7 <= sum(fresh) <= 8  # 150 ms


@pytest.mark.parametrize(
    "changes",
    [
        {"values": ["a"] * N},
        {"values": None},
        {"kind": 99},
        {"sequence": "abc"},
        {"born_ns": None},
        {"wrist_pose": np.zeros(3)},
        {"wrist_pose": "here"},
    ],
)
def test_a_sample_with_a_field_of_another_kind_never_reaches_the_loop(events, changes):
    link = device_link(events)
    good = link.device.read(MS, state())
    link.device.read = lambda now_ns, state: replace(good, **changes)
    assert [link.read(tick * MS, state()) for tick in range(1, 6)] == [None] * 5
    assert not [e for e in events if isinstance(e, DeviceStatus)][-1].connected


def test_a_device_that_changes_its_array_later_does_not_change_the_sample(events):
    link = device_link(events)
    given = link.device.read(MS, state())
    link.device.read = lambda now_ns, state: given
    sample = link.read(MS, state())
    given.values[:] = 9.0
    assert (sample.values < 9.0).all()


def test_a_flood_counts_as_the_newest_sample(events):
    link = device_link(events, "flood")
    assert link.read(MS, state()).sequence == 1000
    assert link.read(2 * MS, state()).sequence == 2000


def test_a_sample_from_the_future_does_not_stay_fresh(events):
    link = device_link(events)
    sample = link.read(MS, state())
    link.device.read = lambda now, state: replace(sample, sequence=99, born_ns=10**15)
    assert link.read(2 * MS, state()) is not None
    assert link.read(400 * MS, state()) is None


def test_a_device_that_works_again_says_so(events):
    link = device_link(events, "lost")
    assert link.read(MS, state()) is None
    link.device.mode = ""
    assert link.read(2 * MS, state()) is not None
    assert [e.connected for e in events] == [False, True]


def test_a_raising_device_is_named_and_called_no_more(events):
    link = device_link(events, "raise")
    for tick in range(10):
        link.read(tick * MS, state())
    failures = [e for e in events if isinstance(e, Failure)]
    assert len(failures) == 1 and failures[0].where == "device fake"
    assert link.suspended
    link.handle_input({"key": "q"})
    link.close()
    assert link.device.closed


def test_ids_keep_colons_in_their_argument():
    assert split_id("replay:C:/a.npy") == ("replay", "C:/a.npy")
    assert split_id("keyboard") == ("keyboard", "")


# Guard --------------------------------------------------------------------------------------


def test_errors_that_are_not_in_a_row_suspend_nobody(events):
    guard = PluginGuard("x", events.append)
    for turn in range(9):
        guard.call("read", (lambda: 1 / 0) if turn % 3 else (lambda: 1))
    assert not guard.suspended and not events


def test_a_method_that_only_raises_is_found_among_others_that_work(events):
    guard = PluginGuard("device x", events.append, "teleop_devices", "x")
    for _ in range(3):
        assert guard.call("read", lambda: 1) == 1
        guard.call("handle_input", lambda: 1 / 0)
    assert guard.suspended and guard.call("read", lambda: 1) is None
    failure, health = events
    assert "handle_input" in failure.what and "division" in failure.what
    assert health == PluginHealth(
        kind="teleop_devices", id="x", suspended=True, reason=failure.what
    )
    assert guard.reason == failure.what


def test_the_log_names_the_methods_that_an_author_knows(events, caplog):
    link = device_link(events, "raise")
    link.read(MS, state())
    link.handle_input({"key": "q"})
    controller = FakeController()
    controller.mode = "raise"
    ControllerLink(CONTROLLER, controller, N, events.append).step(control(MS, HOME))
    assert [r.message.split(":")[0] for r in caplog.records if r.levelname == "ERROR"] == [
        "device fake raised in read",
        "device fake raised in handle_input",
        "controller fake raised in step",
    ]


# Controller ---------------------------------------------------------------------------------


def control(now_ns, position, target=HOME):
    command = None if position is None else HandCommand(born_ns=5, position=np.array(position))
    return ControlInput(now_ns=now_ns, state=state(), command=command, target=target)


def test_a_slow_controller_is_interpolated(events):
    spec = replace(CONTROLLER, rate_hz=10.0)
    controller = FakeController()
    link = ControllerLink(spec, controller, N, events.append)
    link.reset(state())
    outputs = [link.step(control(t * 10 * MS, HOME + 1.0)).position for t in range(1, 12)]
    assert len(controller.inputs) == 2
    assert np.allclose(outputs[0], HOME)
    assert np.allclose(outputs[5], HOME + 0.5)
    steps = np.diff([o[0] for o in outputs])
    assert np.allclose(steps, 0.1)


def test_a_slow_controller_may_ask_to_be_reached_soon(events):
    spec = replace(CONTROLLER, rate_hz=10.0, reach_s=0.02)
    link = ControllerLink(spec, FakeController(), N, events.append)
    outputs = [link.step(control(t * 10 * MS, HOME + 1.0)).position[0] for t in range(1, 12)]
    assert np.allclose(np.array(outputs[:3]) - HOME[0], [0.0, 0.5, 1.0])
    assert np.allclose(np.array(outputs[3:10]) - HOME[0], 1.0)


def test_a_slow_controller_forgets_when_the_input_goes(events):
    link = ControllerLink(replace(CONTROLLER, rate_hz=10.0), FakeController(), N, events.append)
    link.step(control(MS, HOME + 1.0))
    assert link.step(control(2 * MS, None)) is None
    again = link.step(control(3 * MS, HOME + 1.0, target=GRASP))
    assert np.allclose(again.position, GRASP)


def test_what_a_controller_remarks_is_told_when_it_changes(events):
    controller = FakeController()
    link = ControllerLink(CONTROLLER, controller, N, events.append)
    for t, remark in enumerate(("", "waits", "waits", "moves")):
        controller.remark = remark
        link.step(control(t * MS, HOME))
    assert [event.remark for event in events] == ["waits", "moves"]
    link.reset(state())
    assert events[-1].remark == ""


@pytest.mark.parametrize("rate", [0.0, 10.0])
def test_a_suspended_controller_remarks_nothing(events, rate):
    controller = FakeController()
    link = ControllerLink(replace(CONTROLLER, rate_hz=rate), controller, N, events.append)
    controller.remark = "waits"
    link.step(control(0, HOME))
    controller.mode = "raise"
    for t in range(1, 6):
        link.step(control(t * 100 * MS, HOME))
    told = [event.remark for event in events if isinstance(event, ControllerStatus)]
    assert link.suspended and told == ["waits", ""]


@pytest.mark.parametrize("mode", ["raise", "shape", "remark"])
@pytest.mark.parametrize("rate", [0.0, 10.0])
def test_a_broken_controller_is_suspended(events, mode, rate):
    controller = FakeController()
    link = ControllerLink(replace(CONTROLLER, rate_hz=rate), controller, N, events.append)
    controller.mode = mode
    outputs = [link.step(control(t * 100 * MS, HOME)) for t in range(1, 6)]
    assert outputs == [None] * 5
    assert link.suspended
    assert len(controller.inputs) == 3
    failure, health = events[-2:]
    assert failure.where == "controller fake" and "in step" in failure.what
    assert (health.kind, health.id, health.suspended) == ("controllers", "fake", True)


NUMBER = ParameterSpec(name="gain", title="Gain", default=0.5, lower=0.0, upper=2.0)
WORD = ParameterSpec(name="mode", title="Mode", default="a", choices=("a", "b"))


def test_parameters_are_checked_before_the_controller_sees_them(events):
    controller = FakeController()
    link = ControllerLink(
        replace(CONTROLLER, parameters=(NUMBER, WORD)), controller, N, events.append
    )
    link.set_parameter("gain", 1.5)
    assert controller.mode == "1.5" and link.parameters["gain"] == 1.5
    for name, value in (("gain", 3.0), ("gain", "x"), ("mode", "c"), ("other", 1.0)):
        link.set_parameter(name, value)
    assert controller.mode == "1.5"
    assert sum(isinstance(e, Failure) for e in events) == 4
    assert check_parameter(WORD, "b") == "b"
    with pytest.raises(DexgenError):
        check_parameter(NUMBER, float("nan"))


# Hand ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "defect, word", [("nan", HAND.joint_names[3]), ("fault", "bus"), ("raise", "cable")]
)
def test_a_driver_that_cannot_be_trusted_is_a_fault(defect, word):
    driver = FakeDriver()
    driver.defect = defect
    with pytest.raises(HandFault, match=word):
        HandLink(HAND, driver, real=True).read()


@pytest.mark.parametrize(
    "name, value",
    [
        ("position", np.zeros(3)),
        ("temperature", 30.0),
        ("gravity", np.zeros(2)),
        ("object_pose", np.zeros(6)),
        ("contacts", np.zeros((2, 3))),
    ],
)
def test_a_state_of_the_wrong_shape_is_a_fault(name, value):
    driver = FakeDriver()
    driver.read_state = lambda: replace(state(), **{name: value})
    with pytest.raises(HandFault, match=f"{name} has shape"):
        HandLink(HAND, driver, real=True).read()


def test_a_part_that_asks_for_the_end_of_the_program_does_not_get_it(events):
    def leave(*_args):
        raise SystemExit(3)

    driver = FakeDriver()
    driver.stop = driver.disconnect = driver.read_state = leave
    link = HandLink(HAND, driver, real=True)
    with pytest.raises(HandFault, match="SystemExit"):
        link.read()
    link.close()
    device = device_link(events)
    device.device.read = leave
    assert [device.read(MS, state()) for _ in range(3)] == [None] * 3
    assert device.suspended


def test_a_slow_part_is_named_once(events, caplog):
    guard = PluginGuard("device x", events.append)
    for _ in range(12):
        guard.call("read", time.sleep, 0.016)
    assert [r.message for r in caplog.records if "in read" in r.message] == [
        r.message for r in caplog.records
    ]
    assert len(caplog.records) == 1 and not guard.suspended


def test_stop_is_sent_once_and_again_after_a_command():
    driver = FakeDriver()
    link = HandLink(HAND, driver, real=True)
    link.stop()
    link.stop()
    assert driver.stops == 1
    link.send(HandCommand(born_ns=0, position=HOME))
    link.stop()
    assert driver.stops == 2


def test_a_driver_that_raises_in_stop_is_asked_again():
    driver = FakeDriver()
    calls = []
    driver.stop = lambda: calls.append(1) or 1 / 0
    link = HandLink(HAND, driver, real=True)
    link.stop()
    link.close()
    assert len(calls) == 2 and not driver.connected


# Outbox -------------------------------------------------------------------------------------


class Stuck:
    """A pipe whose other side does not read."""

    def __init__(self):
        self.go = threading.Event()
        self.sent = []

    def send(self, message):
        self.go.wait()
        self.sent.append(message)


def test_a_frozen_reader_blocks_nobody_and_loses_only_chatter():
    pipe = Stuck()
    outbox = Outbox(pipe, bound=10)
    begun = time.monotonic()
    for index in range(1000):
        outbox.put(LogLine(level=20, name="x", text=str(index), wall_time=0.0))
    outbox.put(StateChanged(state=5))
    assert time.monotonic() - begun < 5.0
    pipe.go.set()
    outbox.close(10.0)
    assert pipe.sent[-1] == StateChanged(state=5)
    assert outbox.dropped >= 980


def test_what_a_device_says_of_itself_is_told_when_it_changes(events):
    link = device_link(events)
    for tick, mode in enumerate(("joint", "joint", "synergy"), 1):
        link.device.description = f"mode {mode}"
        link.read(tick * MS, state())
    assert [e.text for e in events] == ["mode joint", "mode synergy"]
    assert all(e.connected for e in events)
