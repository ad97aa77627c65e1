"""A hand, devices and controllers that misbehave on demand; importable in spawned workers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dexgen_app.spec import (
    ControllerSpec,
    DriverContext,
    DriverSpec,
    HandCommand,
    HandSpec,
    HandState,
    InputKind,
    TeleopContext,
    TeleopSample,
    TeleopSpec,
)
from dexgen_hand_allegro.spec import RIGHT

HAND: HandSpec = replace(
    RIGHT,
    drivers=(
        DriverSpec(id="fake", title="Fake", factory="live_fakes:FakeDriver"),
        DriverSpec(id="absent", title="Absent", factory="live_fakes:AbsentDriver"),
    ),
)
N = HAND.joint_count
HOME = np.array(HAND.home)
GRASP = np.array(HAND.grasp)


def state(position: np.ndarray = HOME, **changes: object) -> HandState:
    """Return a hand's state at a pose."""
    nothing = np.full(N, np.nan)
    values: dict = {
        "stamp_ns": 0,
        "position": np.array(position),
        "velocity": np.zeros(N),
        "effort": np.zeros(N),
        "target": nothing,
        "temperature": nothing,
    }
    return HandState(**{**values, **changes})


class FakeDriver:
    """Follows its target; the argument names a defect and the read at which it begins."""

    def __init__(self, context: DriverContext | None = None) -> None:
        argument = context.argument if context else ""
        self.defect, _, after = argument.partition("=")
        self.after = int(after or 0)
        self.position = HOME.copy()
        self.target = np.full(N, np.nan)
        self.commands: list[np.ndarray] = []
        self.stops = 0
        self.reads = 0
        self.connected = False

    def connect(self) -> None:
        self.connected = True

    def read_state(self) -> HandState:
        self.reads += 1
        position = self.position.copy()
        fault = ""
        temperature = np.full(N, 30.0)
        if self.defect and self.reads > self.after:
            if self.defect == "nan":
                position[3] = np.nan
            elif self.defect == "fault":
                fault = "the bus is off"
            elif self.defect == "hot":
                temperature[2] = 90.0
            elif self.defect == "raise":
                raise OSError("cable pulled")
        return state(position, target=self.target.copy(), temperature=temperature, fault=fault)

    def send_command(self, command: HandCommand) -> None:
        self.target = np.array(command.position)
        self.commands.append(self.target)

    def step(self, seconds: float) -> None:
        held = np.where(np.isfinite(self.target), self.target, self.position)
        self.position += 0.5 * (held - self.position)

    def stop(self) -> None:
        self.stops += 1

    def disconnect(self) -> None:
        self.connected = False


class AbsentDriver(FakeDriver):
    """A hand that is not plugged in."""

    def connect(self) -> None:
        from dexgen_app.errors import DexgenError

        raise DexgenError("no hand answers", where="can0", remedy="Plug it in")


class FakeDevice:
    """Wants ``target``; the argument names how it misbehaves."""

    def __init__(self, context: TeleopContext | None = None) -> None:
        self.mode = context.argument if context else ""
        self.target = GRASP.copy()
        self.sequence = 0
        self.dead_man: bool | None = None
        self.payloads: list = []
        self.closed = False

    def connect(self) -> None:
        self.sequence = 0

    def read(self, now_ns: int, state: HandState) -> TeleopSample | None:
        if self.mode == "silent":
            return None
        if self.mode == "raise":
            raise RuntimeError("no such thing")
        if self.mode == "garbage":
            return "hello"  # type: ignore[return-value]
        self.sequence += 1000 if self.mode == "flood" else 1
        values = self.target.copy()
        if self.mode == "nan":
            values[0] = np.nan
        if self.mode == "shape":
            values = values[:3]
        return TeleopSample(
            born_ns=now_ns,
            sequence=7 if self.mode == "repeat" else self.sequence,
            kind=InputKind.JOINTS,
            values=values,
            tracked=self.mode != "lost",
            dead_man=self.dead_man,
        )

    def handle_input(self, payload: object) -> None:
        self.payloads.append(payload)
        if self.mode == "raise":
            raise RuntimeError("no such thing")

    def close(self) -> None:
        self.closed = True


class FakeController:
    """Passes the command on; can raise, or return something odd."""

    def __init__(self, context: object = None) -> None:
        self.mode = ""
        self.remark = ""
        self.inputs: list = []

    def reset(self, state: HandState) -> None:
        self.inputs.clear()

    def step(self, control):
        self.inputs.append(control)
        if self.mode == "raise":
            raise RuntimeError("diverged")
        if self.mode == "shape":
            return HandCommand(born_ns=0, position=np.zeros(2))
        if self.mode == "remark":
            return replace(control.command, remark=None)
        if self.remark and control.command is not None:
            return replace(control.command, remark=self.remark)
        return control.command

    def set_parameter(self, name: str, value: float | str) -> None:
        self.mode = str(value)


DEVICE = TeleopSpec(id="fake", title="Fake", kind=InputKind.JOINTS, factory="live_fakes:FakeDevice")
CONTROLLER = ControllerSpec(id="fake", title="Fake", factory="live_fakes:FakeController")


class PassThrough:
    """Retargeting of joint samples."""

    def __init__(self) -> None:
        self.starts: list[np.ndarray] = []

    def reset(self, q: np.ndarray) -> None:
        self.starts.append(q)

    def retarget(self, sample: TeleopSample) -> HandCommand:
        return HandCommand(born_ns=sample.born_ns, position=np.array(sample.values))
