"""The control loop: device, retargeting, controller, filter, hand, ring; one tick at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dexgen_app.errors import DexgenError, InputError
from dexgen_app.live.calibrator import Calibrator
from dexgen_app.live.control import ControlBlock
from dexgen_app.live.controller_link import ControllerLink
from dexgen_app.live.device_link import DeviceLink
from dexgen_app.live.guard import PluginGuard
from dexgen_app.live.hand_link import HandFault, HandLink, unknown_state
from dexgen_app.live.pacing import RealTimeFactor
from dexgen_app.live.parts import Parts
from dexgen_app.live.protocol import (
    ControllerStatus,
    DeviceStatus,
    Failure,
    Ready,
    StateChanged,
)
from dexgen_app.live.recording_link import RecordingLink
from dexgen_app.live.replay_link import ReplayLink
from dexgen_app.live.ring import StateRing
from dexgen_app.live.row import SessionState
from dexgen_app.live.row_writer import RowWriter, Situation, Tick
from dexgen_app.live.safety import FilterResult, Gate, SafetyFilter
from dexgen_app.live.states import StateMachine
from dexgen_app.live.watchdog import Watch, Watchdog
from dexgen_app.spec import ControlInput, HandCommand, TeleopSample

if TYPE_CHECKING:
    from dexgen_app.kinematics.retarget import Retargeter

log = logging.getLogger(__name__)
_S = SessionState


class LiveLoop:
    """Everything of a live session but the process round it.

    Args:
        parts: Builds hand, devices and controllers.
        ring: Takes a row a tick.
        control: Stop flag, dead-man switch and heartbeats.
        report: Takes events for the user; must not wait.
        clock: Returns the monotonic time [ns].
    """

    def __init__(
        self,
        parts: Parts,
        ring: StateRing,
        control: ControlBlock,
        report: Callable[[Any], None],
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._clock = clock
        self.parts = parts
        self.config = parts.setup.config
        self.spec = parts.setup.hand
        self.report = report
        self.machine = StateMachine(self._on_state)
        self.hand: HandLink | None = None
        self.device: DeviceLink | None = None
        self.controller: ControllerLink | None = None
        self.retargeter: Retargeter | None = None
        self.replay: ReplayLink | None = None
        self.calibrator: Calibrator | None = None
        self.recording = RecordingLink(self.spec, ring.name, report)
        self.filter = SafetyFilter(self.spec, parts.safety)
        self.state = unknown_state(self.spec, self._clock())
        self.closing = False
        self.restarted = False
        self._block = control
        self._watchdog = Watchdog(
            control,
            parts.safety.heartbeat_timeout,
            always_held=self.config.hold_dead_man and not parts.setup.real,
        )
        self._writer = RowWriter(ring, self.spec)
        self._retarget_guard = PluginGuard("retargeting", report)
        self._real_time = RealTimeFactor()
        self._holding = False
        self._ticks = 0
        self._resets = 0
        self._odd_input = ""
        self._latched = False

    # States -----------------------------------------------------------------------------------

    def _on_state(self, state: SessionState, reason: str) -> None:
        log.info("%s%s", state.name, f": {reason}" if reason else "")
        self.report(StateChanged(state=int(state), reason=reason))
        self.recording.note("state", state=state.name, reason=reason)

    def connect(self) -> None:
        """Open the device and the controller, then the hand, which is slow if simulated."""
        if self.machine.state != _S.DISCONNECTED:
            return
        self.machine.move(_S.CONNECTING)
        try:
            self.retargeter = self.parts.open_retargeter()
            self.select_device(self.config.device)
            self.select_controller(self.config.controller)
            self.hand = self.parts.open_hand()
            self.state = self.hand.read()
            self._resets = int(getattr(self.hand.driver, "resets", 0))
            self.start_from_hand()
        except Exception as error:
            told = error if isinstance(error, DexgenError) else DexgenError(f"{error!r}")
            log.debug("the connection's traceback", exc_info=error)
            self.fail(told)
            self.disconnect(told.what)
            return
        self.restarted = True
        self.machine.move(_S.CONNECTED)
        self.report(Ready(hand=self.spec, scene=self.config.scene, real=self.hand.real))
        if self._latched:
            self.stop("STOP was pressed before")

    def disconnect(self, reason: str = "") -> None:
        """Leave the hand in its safe state and release everything."""
        self.stop_replay()
        self.recording.stop()
        self._release_hand()
        if self.device is not None:
            self.device.close()
        self.device = self.controller = self.retargeter = self.calibrator = None
        if self.machine.state != _S.DISCONNECTED:
            self.machine.move(_S.DISCONNECTED, reason)

    def _release_hand(self) -> None:
        if self.hand is not None:
            self.hand.close()
        self.hand = None
        self._holding = False
        self.state = unknown_state(self.spec, self._clock())

    def arm(self) -> None:
        """Allow motion; the targets start from where the hand is.

        Raises:
            DexgenError: The session is not CONNECTED, or a plugin refuses.
        """
        if self.machine.armed:
            return
        if not self.machine.can(_S.ARMED):
            self.machine.move(_S.ARMED)
        refusal = self.parts.check_arming()
        if refusal:
            raise DexgenError(f"arming was refused: {refusal}")
        self.start_from_hand()
        self._holding = True
        self.machine.move(_S.ARMED)

    def start_from_hand(self) -> None:
        """Let filter, retargeting and controller start from the hand's present set-points."""
        self.filter.reset(self.state)
        if self.retargeter is not None and self.filter.target is not None:
            self.retargeter.reset(self.filter.target)
        if self.controller is not None:
            self.controller.reset(self.state)

    def disarm(self, reason: str = "") -> None:
        """Forbid motion; the hand holds."""
        if self.machine.armed:
            self.machine.move(_S.CONNECTED, reason)

    def stop(self, reason: str = "") -> None:
        """STOP: bring the hand into its safe state and latch."""
        self._latched = True
        self._holding = False
        self.stop_replay()
        if self.hand is not None:
            self.hand.stop()
        if self.machine.can(_S.STOPPED):
            self.recording.note("stop", reason=reason)
            self.machine.move(_S.STOPPED, reason)

    def fault(self, error: DexgenError) -> None:
        """The hand cannot be trusted: stop it and say why."""
        self._holding = False
        self.stop_replay()
        if self.hand is not None:
            self.hand.stop()
        if self.machine.can(_S.FAULT):
            self.fail(error)
            self.recording.note("fault", text=str(error))
            self.machine.move(_S.FAULT, str(error))

    def reset_stop(self) -> None:
        """Release the latch of STOP or of a fault, if the hand answers.

        Raises:
            DexgenError: The hand is still faulty.
        """
        self._latched = False
        if self.machine.state not in (_S.STOPPED, _S.FAULT) or self.hand is None:
            return
        self.state = self.hand.read()
        self.machine.move(_S.CONNECTED, "reset")

    # Choosing ---------------------------------------------------------------------------------

    def fail(self, error: DexgenError) -> None:
        """Tell the user that something did not work."""
        log.error("%s", error)
        self.report(Failure(what=error.what, where=error.where, remedy=error.remedy))

    def select_device(self, text: str) -> None:
        """Change the device; the hand holds and must be armed again."""
        self.disarm("another device was chosen")
        if self.device is not None:
            self.device.close()
            self.device = None
        self.config = replace(self.config, device=text)
        self.recording.note("device", device=text)
        try:
            self.device = self.parts.open_device(text)
        except DexgenError as error:
            self.fail(error)
            self.report(DeviceStatus(device=text, connected=False, text=error.what))

    def select_controller(self, name: str) -> None:
        """Change the controller, also while active: the filter's ramp starts anew."""
        self.filter.restart_ramp()
        self.config = replace(self.config, controller=name)
        self.recording.note("controller", controller=name)
        try:
            controller = self.parts.open_controller(name)
        except DexgenError as error:
            self.controller = None
            self.fail(error)
            self.report(ControllerStatus(controller=name))
            return
        if self.hand is not None:
            controller.reset(self.state)
        self.controller = controller
        controller.announce()
        declared = {parameter.name for parameter in controller.spec.parameters}
        for key, value in self.config.parameters.items():
            if key in declared:
                controller.set_parameter(key, value)

    def stop_replay(self) -> None:
        """End a replay; the hand holds and must be armed again before the device drives it."""
        if self.replay is None:
            return
        self.replay.stop()
        self.replay = None
        self.disarm("the replay has ended")
        if self.device is not None:
            self.device.handle_input({"reset": True})

    # The tick ---------------------------------------------------------------------------------

    def tick(self, now_ns: int, since_ns: int, late: int) -> None:
        """Run one tick.

        Args:
            now_ns: Monotonic time of its start [ns].
            since_ns: Time since the start of the tick before [ns].
            late: Late ticks so far.
        """
        self._ticks += 1
        tick = Tick(now_ns, since_ns, late, self._ticks)
        if self._watchdog.stop_requested():
            self.stop("STOP was pressed")
        begun = self._clock()
        self._read_hand()
        self._follow_resets()
        read = self._clock()
        tick.sample = self._read_device(read)
        tick.watch = self._watchdog.look(now_ns, tick.sample)
        self._follow_dead_man(tick.watch)
        marks = [self._clock()]
        tick.command = self._retarget(tick.sample)
        marks.append(self._clock())
        tick.output = self._run_controller(now_ns, tick.command)
        marks.append(self._clock())
        tick.result = self._filter(tick)
        marks.append(self._clock())
        sent = self._drive(tick)
        tick.latency[1:4] = np.diff(marks)
        tick.latency[4] = self._clock() - marks[-1] + read - begun
        if tick.sample is not None:
            tick.latency[0] = read - tick.sample.born_ns
            tick.latency[5] = sent - tick.sample.born_ns if sent else -1
        tick.factor = self._real_time.add(now_ns, self._period_s if self._simulating else 0.0)
        self.recording.poll(now_ns)
        self._advance_calibration(tick.sample)
        self._writer.write(tick, self._situation())
        self._block.beat_worker(self._ticks)

    def _situation(self) -> Situation:
        driver = None if self.hand is None else self.hand.driver
        return Situation(
            state=self.machine.state,
            hand=self.state,
            stopped=self._latched,
            drops=int(getattr(driver, "drops", 0)),
            held=bool(getattr(driver, "held", False)),
            episode=self.recording.episode,
            recording=self.recording.active,
        )

    @property
    def _period_s(self) -> float:
        return 1.0 / self.config.rate_hz

    @property
    def _simulating(self) -> bool:
        return self.hand is not None and self.machine.state != _S.FAULT

    def _read_hand(self) -> None:
        if self.hand is None:
            return
        try:
            self.state = self.hand.read()
        except HandFault as error:
            if self.machine.state != _S.FAULT:
                self.fault(error)

    def _follow_resets(self) -> None:
        """Start again from the hand when the simulator has put it somewhere else."""
        resets = 0 if self.hand is None else int(getattr(self.hand.driver, "resets", 0))
        if resets == self._resets or self.hand is None:
            return
        self._resets = resets
        log.info("the scene was reset; the hand starts again from its grasp")
        self.start_from_hand()
        if self.device is not None:
            self.device.handle_input({"reset": True})

    def _read_device(self, now_ns: int) -> TeleopSample | None:
        if self.device is None:
            return None
        sample = self.device.read(now_ns, self.state)
        if self.device.suspended:
            self.disarm("the device does not work")
        return sample

    def _follow_dead_man(self, watch: Watch) -> None:
        if self.machine.state == _S.ARMED and watch.dead_man:
            self.machine.move(_S.ACTIVE)
        elif self.machine.state == _S.ACTIVE and not watch.dead_man:
            silent = "" if watch.heartbeat else "the window does not answer"
            self.machine.move(_S.ARMED, silent)

    def _retarget(self, sample: TeleopSample | None) -> HandCommand | None:
        if sample is None or self.retargeter is None:
            return None
        return self._retarget_guard.call("retarget", self._retarget_or_hold, sample)

    def _retarget_or_hold(self, sample: TeleopSample) -> HandCommand | None:
        """Return the command, or None for a sample that is no hand: noise can make one."""
        assert self.retargeter is not None
        try:
            command = self.retargeter.retarget(sample)
        except InputError as error:
            if error.what != self._odd_input:
                self._odd_input = error.what
                log.warning("%s", error)
            return None
        self._odd_input = ""
        return command

    def _run_controller(self, now_ns: int, command: HandCommand | None) -> HandCommand | None:
        if self.controller is None or self.hand is None:
            return None
        target = self.filter.target
        if target is None or not self._holding:
            measured = self.state.position
            target = np.where(np.isfinite(self.state.target), self.state.target, measured)
        control = ControlInput(now_ns=now_ns, state=self.state, command=command, target=target)
        output = self.controller.step(control)
        if self.controller.suspended:
            self.disarm("the controller does not work")
        return output

    def _filter(self, tick: Tick) -> FilterResult | None:
        if self.hand is None or self.filter.target is None:
            return None
        candidate = None if tick.output is None else tick.output.position
        if self.replay is not None:
            moving = self.machine.state == _S.ACTIVE
            target = self.filter.target
            candidate = self.replay.step(
                tick.now_ns,
                target,
                self.state,
                moving=moving,
                held=bool(getattr(self.hand.driver, "held", True)),
            )
            if self.replay.done:
                error = self.replay.error
                self.stop_replay()
                if error is not None:
                    self.fail(error)
        gate = Gate(
            armed=self.machine.armed,
            fresh=candidate is not None,
            dead_man=tick.watch.dead_man,
            heartbeat=tick.watch.heartbeat,
            stop=self._latched,
        )
        result = self.filter.step(candidate, gate, self.state, tick.since_ns * 1e-9)
        if result.hot >= 0 and self.machine.state != _S.FAULT:
            joint = self.spec.joint_names[result.hot]
            warm = self.state.temperature[result.hot]
            remedy = "Let it cool down, then reset"
            self.fault(DexgenError(f"{warm:.0f} deg C", where=f"joint {joint}", remedy=remedy))
        return result

    def _drive(self, tick: Tick) -> int:
        """Send what passed the filter and let time pass; return when it was sent, 0 if not."""
        sent = 0
        if self.hand is None:
            return sent
        if self._watchdog.stop_requested():
            self.stop("STOP was pressed")
        try:
            if self._holding and tick.result is not None:
                born = 0 if tick.output is None else tick.output.born_ns
                self.hand.send(HandCommand(born_ns=born, position=tick.result.target))
                sent = self._clock()
            elif self._latched:
                self.hand.stop()
            if self._simulating:
                self.hand.step(self._period_s)
        except HandFault as error:
            self.fault(error)
        return sent

    def _advance_calibration(self, sample: TeleopSample | None) -> None:
        if self.calibrator is None or not self.calibrator.add(sample):
            return
        self.calibrator = None
        self.disarm("the hand was calibrated")
        try:
            self.retargeter = self.parts.open_retargeter()
        except DexgenError as error:
            self.fail(error)
        self.start_from_hand()
        self.restarted = True
