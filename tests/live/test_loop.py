"""The loop without a process: every tick is asked for, the clock is ours."""

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
    PassThrough,
)

from dexgen_app.errors import DexgenError, InputError
from dexgen_app.live import protocol as p
from dexgen_app.live.commands import handle
from dexgen_app.live.control import ControlBlock
from dexgen_app.live.controller_link import ControllerLink
from dexgen_app.live.device_link import DeviceLink
from dexgen_app.live.hand_link import HandLink
from dexgen_app.live.loop import LiveLoop
from dexgen_app.live.parts import WorkerSetup
from dexgen_app.live.ring import StateRing
from dexgen_app.live.row import Clip, SessionState, row_dtype
from dexgen_app.live.safety import SafetyConfig

S = SessionState
PERIOD = 16_666_667


class FakeParts:
    """Hands out the fakes."""

    def __init__(self, config):
        self.setup = WorkerSetup(config=config, hand=HAND, ring_name="", control_name="")
        self.safety = SafetyConfig.for_session(config.safety, real=self.setup.real)
        self.driver = FakeDriver()
        self.device = FakeDevice()
        self.controller = FakeController()
        self.retargeter = PassThrough()
        self.refusal = None
        self.report = None

    def open_hand(self):
        self.driver.connect()
        return HandLink(HAND, self.driver, real=self.setup.real)

    def open_device(self, name):
        if name == "none":
            raise DexgenError("there is no such device")
        self.device = FakeDevice()
        return DeviceLink(name, DEVICE, self.device, HAND, 0.15, self.report)

    def open_controller(self, name):
        if name == "none":
            raise DexgenError("there is no such controller")
        self.controller = FakeController()
        return ControllerLink(CONTROLLER, self.controller, HAND.joint_count, self.report)

    def open_retargeter(self):
        return self.retargeter

    def check_arming(self):
        return self.refusal


class Bench:
    """A loop on a bench: ticks it, holds the dead-man switch, keeps events and rows."""

    def __init__(self, **config):
        self.now = 10**12
        self.events = []
        self.parts = FakeParts(p.SessionConfig(device="fake", controller="fake", **config))
        self.parts.report = self.events.append
        self.ring = StateRing.create(row_dtype(HAND.joint_count), 2048)
        self.control = ControlBlock.create()
        self.alive = True
        self.loop = LiveLoop(
            self.parts, self.ring, self.control, self.events.append, lambda: self.now
        )

    def ticks(self, count=1):
        for _ in range(count):
            self.now += PERIOD
            if self.alive:
                self.control._words[2] = self.now
            self.loop.tick(self.now, PERIOD, 0)
        return self.row

    @property
    def row(self):
        return self.ring.latest()

    def do(self, *commands):
        for command in commands:
            handle(self.loop, command)

    @property
    def state(self):
        return self.loop.machine.state

    def failures(self):
        return [e for e in self.events if isinstance(e, p.Failure)]

    def drive(self, ticks=3):
        """Connect, arm and hold the dead-man switch."""
        self.ticks()
        self.do(p.Connect(), p.Arm())
        self.control.dead_man = True
        self.ticks(ticks)
        assert self.state == S.ACTIVE
        return self


@pytest.fixture
def bench(request):
    benches = []

    def make(**config):
        benches.append(Bench(**config))
        return benches[-1]

    yield make
    for bench in benches:
        bench.ring.unlink()
        bench.control.unlink()


def test_the_whole_way_from_device_to_hand(bench):
    b = bench().drive(200)
    row = b.row
    assert row["state"] == S.ACTIVE and row["ramp"] == 1.0 and row["dead_man"]
    assert np.array_equal(row["raw_joints"], GRASP)
    assert np.array_equal(row["command"], GRASP)
    assert np.allclose(row["target"], np.clip(GRASP, *b.loop.filter.spec.limits), atol=0.011)
    assert np.array_equal(row["target"], b.parts.driver.target)
    assert np.allclose(row["position"], row["target"], atol=1e-3)
    assert row["real_time_factor"] == pytest.approx(1.0, abs=0.05)


def test_without_a_hand_rows_say_nothing(bench):
    b = bench()
    row = b.ticks(2)
    assert row["state"] == S.DISCONNECTED
    assert np.isnan(row["position"]).all() and row["sample_sequence"] == -1


def test_connecting_commands_nothing(bench):
    b = bench()
    b.ticks()
    b.do(p.Connect())
    b.control.dead_man = True
    b.ticks(20)
    assert b.state == S.CONNECTED
    assert not b.parts.driver.commands
    ready = [e for e in b.events if isinstance(e, p.Ready)]
    assert ready[0].hand is HAND and ready[0].real is False
    assert np.array_equal(b.row["controller"], GRASP)  # the ghost shows what would come


def test_the_first_command_is_where_the_hand_is(bench):
    b = bench().drive(1)
    assert np.abs(b.parts.driver.commands[0] - HOME).max() < 0.02


def test_releasing_the_dead_man_switch_holds_at_once(bench):
    b = bench().drive(30)
    b.control.dead_man = False
    held = b.ticks(1)["target"]
    assert b.state == S.ARMED
    assert (b.ticks(10)["target"] == held).all()
    assert (b.row["clip"] == Clip.DEAD_MAN).all()
    b.control.dead_man = True
    b.ticks(1)
    assert b.state == S.ACTIVE and b.row["ramp"] < 0.05


def test_stop_acts_in_the_tick_that_sees_it_and_latches(bench):
    b = bench().drive(10)
    sent = len(b.parts.driver.commands)
    b.control.request_stop()
    row = b.ticks(1)
    assert row["state"] == S.STOPPED and row["stop"]
    assert len(b.parts.driver.commands) == sent and b.parts.driver.stops == 1
    b.ticks(20)
    b.do(p.Arm())
    assert b.state == S.STOPPED and "Reset" in b.failures()[-1].remedy
    b.do(p.ResetStop())
    b.ticks(5)
    assert b.state == S.CONNECTED and len(b.parts.driver.commands) == sent
    b.do(p.Arm())
    b.ticks(1)
    assert b.state == S.ACTIVE


def test_stop_between_filter_and_hand_still_counts(bench):
    b = bench().drive(10)
    step = b.loop.filter.step

    def press_then_step(*args):
        b.control.request_stop()
        return step(*args)

    b.loop.filter.step = press_then_step
    sent = len(b.parts.driver.commands)
    assert b.ticks(1)["state"] == S.STOPPED
    assert len(b.parts.driver.commands) == sent


def test_a_stop_right_after_a_reset_is_a_new_stop(bench):
    b = bench().drive(3)
    b.control.request_stop()
    b.ticks(1)
    b.do(p.ResetStop())
    b.control.request_stop()
    assert b.ticks(1)["state"] == S.STOPPED


def test_stop_by_the_pipe_is_the_same(bench):
    b = bench().drive(3)
    b.do(p.Stop())
    assert b.ticks(1)["state"] == S.STOPPED


def test_stop_while_disconnected_is_remembered(bench):
    b = bench()
    b.control.request_stop()
    b.ticks(1)
    b.do(p.Connect())
    assert b.state == S.STOPPED


def test_a_silent_window_releases_the_dead_man_switch(bench):
    b = bench().drive(30)
    b.alive = False
    b.ticks(14)
    assert b.state == S.ACTIVE
    held = b.ticks(2)["target"]
    assert b.state == S.ARMED
    assert (b.ticks(10)["target"] == held).all()
    assert (b.row["clip"] & Clip.HEARTBEAT).all()
    b.alive = True
    b.ticks(5)
    assert b.state == S.ARMED  # the key is still down: it must be pressed anew
    b.control.dead_man = False
    b.ticks(1)
    b.control.dead_man = True
    b.ticks(1)
    assert b.state == S.ACTIVE


@pytest.mark.parametrize("mode", ["silent", "repeat", "nan", "shape", "lost"])
def test_a_bad_device_ends_in_a_hold(bench, mode):
    b = bench().drive(10)
    b.parts.device.mode = mode
    b.ticks(12)
    held = b.ticks(1)["target"]
    row = b.ticks(5)
    assert (row["target"] == held).all()
    assert (row["clip"] & Clip.STALE_INPUT).all()
    assert row["state"] == S.ACTIVE
    b.parts.device.mode = ""
    b.parts.device.sequence = 10**6
    assert (b.ticks(1)["clip"] & Clip.STALE_INPUT == 0).all()
    assert np.abs(b.row["target"] - held).max() < 0.02


@pytest.mark.parametrize("who", ["device", "controller", "retargeter"])
def test_a_plugin_that_always_raises_is_suspended_and_the_hand_holds(bench, who):
    b = bench().drive(10)
    if who == "retargeter":
        b.parts.retargeter.retarget = lambda sample: 1 / 0
    else:
        getattr(b.parts, who).mode = "raise"
    held = b.ticks(3)["target"]
    assert (b.ticks(10)["target"] == held).all()
    assert len(b.failures()) == 1 and who[:8] in b.failures()[0].where
    if who == "device":
        b.do(p.SelectDevice("fake"))
    elif who == "controller":
        b.do(p.SelectController("fake"))
    else:
        return
    b.do(p.Arm())
    b.ticks(5)
    assert b.state == S.ACTIVE and not (b.row["clip"] & Clip.STALE_INPUT).any()


def test_input_that_is_no_hand_is_held_and_forgiven(bench):
    def refuse(sample):
        raise InputError("the palm is flat")

    b = bench().drive(10)
    retarget, b.parts.retargeter.retarget = b.parts.retargeter.retarget, refuse
    held = b.ticks(1)["target"]
    assert (b.ticks(30)["target"] == held).all()
    assert b.state == S.ACTIVE and not b.failures()
    b.parts.retargeter.retarget = retarget
    assert not (b.ticks(5)["clip"] & Clip.STALE_INPUT).any()


@pytest.mark.parametrize("defect", ["nan", "fault", "raise", "hot"])
def test_a_hand_that_cannot_be_trusted_is_a_fault(bench, defect):
    b = bench().drive(10)
    b.parts.driver.defect = defect
    sent = len(b.parts.driver.commands)
    b.ticks(2)
    assert b.state == S.FAULT and b.parts.driver.stops == 1
    assert len(b.failures()) == 1
    b.ticks(20)
    assert len(b.parts.driver.commands) == sent and len(b.failures()) == 1
    if defect != "hot":
        b.do(p.ResetStop())
        assert b.state == S.FAULT
    b.parts.driver.defect = ""
    b.do(p.ResetStop(), p.Arm())
    b.ticks(2)
    assert b.state == S.ACTIVE


def test_a_driver_that_raises_while_sending_is_a_fault(bench):
    b = bench().drive(3)
    b.parts.driver.send_command = lambda command: 1 / 0
    b.ticks(1)
    assert b.state == S.FAULT


def test_a_plugin_can_refuse_arming(bench):
    b = bench()
    b.ticks()
    b.parts.refusal = "plugin x: not today"
    b.do(p.Connect(), p.Arm())
    assert b.state == S.CONNECTED and "not today" in b.failures()[0].what


def test_changing_the_device_disarms_and_does_not_jump(bench):
    b = bench().drive(60)
    held, old = b.row["target"], b.parts.device
    b.do(p.SelectDevice("fake"))
    assert b.state == S.CONNECTED and old.closed
    assert (b.ticks(5)["target"] == held).all()
    b.parts.device.target = HOME
    b.do(p.Arm())
    assert np.abs(b.ticks(1)["target"] - held).max() < 0.02


def test_changing_the_controller_goes_on_and_does_not_jump(bench):
    b = bench().drive(60)
    held = b.row["target"]
    b.do(p.SelectController("fake"))
    b.parts.device.target = HOME
    row = b.ticks(1)
    assert row["state"] == S.ACTIVE and row["ramp"] < 0.05
    assert np.abs(row["target"] - held).max() < 0.02


@pytest.mark.parametrize("command", [p.SelectDevice("none"), p.SelectController("none")])
def test_an_unknown_device_or_controller_holds(bench, command):
    b = bench().drive(10)
    b.do(command)
    b.do(p.Arm())
    held = b.ticks(1)["target"]
    assert (b.ticks(5)["target"] == held).all()
    assert "there is no such" in b.failures()[0].what


def test_the_device_may_have_a_dead_man_switch_of_its_own(bench):
    b = bench().drive(3)
    b.control.dead_man = False
    b.parts.device.dead_man = True
    b.ticks(2)
    assert b.state == S.ACTIVE
    b.parts.device.dead_man = False
    b.ticks(1)
    assert b.state == S.ARMED


def test_a_held_dead_man_switch_is_for_simulation_only(bench):
    b = bench(hold_dead_man=True, driver="fake")
    b.ticks()
    b.do(p.Connect(), p.Arm())
    b.ticks(5)
    assert b.state == S.ARMED
    b = bench(hold_dead_man=True)
    b.ticks()
    b.do(p.Connect(), p.Arm())
    b.ticks(5)
    assert b.state == S.ACTIVE


def test_a_scene_that_resets_itself_is_followed_without_a_jump(bench):
    b = bench().drive(60)
    driver = b.parts.driver
    driver.position = HOME.copy()
    driver.target = HOME.copy()
    driver.resets = 1
    row = b.ticks(1)
    assert np.abs(row["target"] - HOME).max() < 0.02
    assert b.parts.device.payloads == [{"reset": True}]


def test_commands_that_need_a_hand_say_so(bench):
    b = bench()
    b.do(p.Arm(), p.Calibrate(), p.StartRecording(), p.StartEpisode(), p.ResetScene())
    b.do(p.SetParameter("x", 1.0), p.StartReplay("/nowhere.mcap"), "nonsense")
    assert len(b.failures()) == 8
    assert b.state == S.DISCONNECTED


def test_choices_made_before_connecting_count(bench):
    b = bench()
    b.do(p.SelectDevice("other"), p.SelectController("fake"), p.Connect())
    assert b.loop.device.name == "other"


def test_disconnecting_leaves_the_hand_in_its_safe_state(bench):
    b = bench().drive(5)
    b.do(p.Disconnect())
    assert b.state == S.DISCONNECTED
    assert b.parts.driver.stops == 1 and not b.parts.driver.connected
    b.ticks(3)
    b.do(p.Connect())
    assert b.state == S.CONNECTED


def test_a_recording_that_cannot_be_read_ends_in_a_hold(bench, tmp_path):
    b = bench().drive(3)
    b.do(p.StartReplay(str(tmp_path / "none.mcap")))
    b.loop.replay._opener.join()
    held = b.row["target"]
    row = b.ticks(2)
    assert b.failures() and b.loop.replay is None
    assert b.state == S.CONNECTED and (row["target"] == held).all()


def test_device_input_reaches_the_device(bench):
    b = bench().drive(1)
    b.do(p.DeviceInput({"key": "q", "down": True}))
    assert b.parts.device.payloads[-1] == {"key": "q", "down": True}


def test_the_configuration_of_a_recording_is_the_present_one(bench):
    b = bench().drive(1)
    wrist = replace(b.loop.config.scene.wrist, direction="palm_down")
    b.parts.driver.set_wrist = lambda wrist: None
    b.do(p.SelectDevice("other"), p.SetWrist(wrist))
    assert b.loop.config.device == "other"
    assert b.loop.config.scene.wrist.direction == "palm_down"
