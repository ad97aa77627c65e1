"""What plugin objects do. They are built in the worker process and called only by its loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from dexgen_app.spec.hand import HandSpec
from dexgen_app.spec.samples import HandCommand, HandState, TeleopSample
from dexgen_app.spec.scene import SceneSpec


def _ignore(_text: str, _fraction: float | None = None) -> None:
    """Drop a progress report."""


@dataclass(frozen=True, kw_only=True)
class DriverContext:
    """What a hand driver is built from.

    Attributes:
        hand: The hand.
        argument: Text after the colon of ``--driver id:argument``.
        scene: The scene, for a simulated hand.
        seed: Seed of everything random.
        progress: Reports slow work as ``progress(text, fraction or None)``.
        options: Further options by name.
    """

    hand: HandSpec
    argument: str = ""
    scene: SceneSpec = field(default_factory=SceneSpec)
    seed: int = 0
    progress: Callable[..., None] = _ignore
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TeleopContext:
    """What a teleoperation device is built from.

    Attributes:
        hand: The hand that will be driven.
        argument: Text after the colon of ``--device id:argument``.
        seed: Seed of everything random.
        options: Further options by name.
    """

    hand: HandSpec
    argument: str = ""
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ControllerContext:
    """What a controller is built from: the hand, the loop's rate [Hz] and a seed."""

    hand: HandSpec
    rate_hz: float = 60.0
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class ControlInput:
    """What a controller sees at a step.

    Attributes:
        now_ns: Monotonic time of the tick [ns].
        state: The hand's newest state.
        command: The retargeted command; None while there is no fresh input.
        target: The targets that the filter let through at the last tick [rad].
    """

    now_ns: int
    state: HandState
    command: HandCommand | None
    target: Any


@runtime_checkable
class HandDriver(Protocol):
    """Talks to one hand, real or simulated.

    Order, sign and offset of the hardware's joints are the driver's affair: every array that
    crosses this interface follows ``HandSpec.joint_names``, in SI units.
    """

    def connect(self) -> None:
        """Open the hand, read its pose, command nothing.

        Raises:
            DexgenError: The hand cannot be reached; says what to do.
        """

    def read_state(self) -> HandState:
        """Return the newest measurement without waiting for one."""

    def send_command(self, command: HandCommand) -> None:
        """Send joint targets that passed the safety filter."""

    def step(self, seconds: float) -> None:
        """Let ``seconds`` pass: a simulated hand steps its physics, a real one does nothing."""

    def stop(self) -> None:
        """Go into the hand's safe state at once; may be called at any time and repeatedly."""

    def disconnect(self) -> None:
        """Leave the hand in its safe state and release it; may be called repeatedly."""


@runtime_checkable
class TeleopDevice(Protocol):
    """Reads one device. Never blocks: slow devices read in a thread or process of their own.

    A text attribute ``description``, if a device has one, is shown beside its name; it may change.
    """

    def connect(self) -> None:
        """Open the device.

        Raises:
            DexgenError: The device cannot be used; says what to do.
        """

    def read(self, now_ns: int, state: HandState) -> TeleopSample | None:
        """Return the newest sample, also if it was returned before; None before the first."""

    def handle_input(self, payload: Mapping[str, Any]) -> None:
        """Take input that the window collected (keys, sliders); ignored by other devices."""

    def close(self) -> None:
        """Release the device; may be called repeatedly."""


@runtime_checkable
class Controller(Protocol):
    """Turns a coarse command into joint targets."""

    def reset(self, state: HandState) -> None:
        """Forget history; the next targets start from ``state``."""

    def step(self, control: ControlInput) -> HandCommand | None:
        """Return the next targets, or None to hold the last ones."""

    def set_parameter(self, name: str, value: float | str) -> None:
        """Change a declared parameter.

        Raises:
            DexgenError: There is no such parameter, or the value is out of its range.
        """
