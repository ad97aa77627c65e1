"""What travels over the command pipe: commands to the worker, events from it.

Everything here is a small frozen dataclass that pickles between our own processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dexgen_app.spec import HandSpec, ObjectSpec, SceneSpec, WristProgram

Mark = Literal["keep", "fail", "discard"]


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """What a live session is made of; stored whole in every recording.

    Attributes:
        hand: Hand id or alias.
        driver: ``sim``, or ``id`` or ``id:argument`` of one of the hand's drivers.
        engine: Simulator of the ``sim`` driver.
        device: ``id`` or ``id:argument`` of a teleoperation device.
        controller: Controller id.
        parameters: Controller parameters by name.
        scene: Object and wrist of the ``sim`` driver.
        seed: Seed of everything random.
        rate_hz: Rate of the loop.
        profile: Name of the user's calibration profile.
        human_side: Side of the hand that the device sees; empty means the robot's. The other
            hand's motion is mirrored.
        safety: Overrides of ``SafetyConfig`` fields by name.
        hold_dead_man: Treat the dead-man switch as held, for scripted runs in simulation only.
        safe_mode: Load built-in plugins only.
        disabled: Names of plugins that are not loaded.
    """

    hand: str = "allegro"
    driver: str = "sim"
    engine: Literal["genesis", "mujoco"] = "genesis"
    device: str = "sliders"
    controller: str = "direct"
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    scene: SceneSpec = field(default_factory=SceneSpec)
    seed: int = 0
    rate_hz: float = 60.0
    profile: str = "default"
    human_side: Literal["", "right", "left"] = ""
    safety: Mapping[str, float] = field(default_factory=dict)
    hold_dead_man: bool = False
    safe_mode: bool = False
    disabled: tuple[str, ...] = ()


# Commands -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Connect:
    """Open the hand, the device and the controller."""


@dataclass(frozen=True)
class Disconnect:
    """Leave the hand in its safe state and release it."""


@dataclass(frozen=True)
class Arm:
    """Allow motion while the dead-man switch is held."""


@dataclass(frozen=True)
class Disarm:
    """Forbid motion; the hand holds."""


@dataclass(frozen=True)
class Stop:
    """Stop and latch. The shared stop flag says the same, faster."""


@dataclass(frozen=True)
class ResetStop:
    """Release the latch of STOP or of a fault; the session is then CONNECTED, not armed."""


@dataclass(frozen=True)
class SelectDevice:
    """Change the device, as ``id`` or ``id:argument``; disarms."""

    device: str


@dataclass(frozen=True)
class SelectController:
    """Change the controller, also while active; the targets do not jump."""

    controller: str


@dataclass(frozen=True)
class SetParameter:
    """Set a parameter of the running controller."""

    name: str
    value: float | str


@dataclass(frozen=True)
class DeviceInput:
    """Input that the window collected for a manual device, e.g. ``{"key": "q", "down": True}``."""

    payload: Mapping[str, Any]


@dataclass(frozen=True)
class ResetScene:
    """Put the simulated hand and object back into the starting grasp; disarms."""

    object: ObjectSpec | None = None
    """A different object, if its shape is the one the world was built with."""


@dataclass(frozen=True)
class SetWrist:
    """Turn the simulated wrist."""

    wrist: WristProgram


@dataclass(frozen=True)
class Calibrate:
    """Calibrate the person's hand from the device and keep it in the profile."""


@dataclass(frozen=True)
class StartRecording:
    """Write a session file; an empty path takes a new name in the recordings folder."""

    path: str = ""


@dataclass(frozen=True)
class StopRecording:
    """Close the session file."""


@dataclass(frozen=True)
class StartEpisode:
    """Begin an episode; starts a recording if none runs."""


@dataclass(frozen=True)
class EndEpisode:
    """End the episode with a mark."""

    mark: Mark = "keep"


@dataclass(frozen=True)
class Annotate:
    """Write a note into the recording."""

    text: str


@dataclass(frozen=True)
class StartReplay:
    """Play a recording's targets on the connected hand, through the safety filter."""

    path: str
    episode: int = -1
    start_s: float = 0.0
    end_s: float = -1.0
    speed: float = 1.0


@dataclass(frozen=True)
class PauseReplay:
    """Pause or resume the replay."""

    paused: bool


@dataclass(frozen=True)
class StopReplay:
    """End the replay; the hand holds."""


@dataclass(frozen=True)
class Shutdown:
    """End the worker cleanly."""


# Events -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class StateChanged:
    """The session changed its state. ``reason`` says why, for the user."""

    state: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Slow work goes on; ``fraction`` is 0 to 1, or None if unknown; 1 means done."""

    text: str
    fraction: float | None = None


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The worker has built everything; the ring has the hand's row type from now on."""

    hand: HandSpec
    scene: SceneSpec
    real: bool


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """A log record of the worker or of one of its children."""

    level: int
    name: str
    text: str
    wall_time: float


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Something that the user asked for did not work."""

    what: str
    where: str = ""
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class PluginHealth:
    """A plugin's part was suspended in the worker, or works again after it was chosen anew.

    ``kind`` and ``id`` are those of ``PluginRegistry``: ``teleop_devices`` and ``keyboard``, or
    ``plugins`` and the plugin's name if one of its hooks raised. ``PluginRegistry.follow`` takes
    the event.
    """

    kind: str
    id: str
    suspended: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DeviceStatus:
    """The device's name and what is known of it."""

    device: str
    connected: bool
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class ControllerStatus:
    """The controller that runs, its parameters and what it remarked last."""

    controller: str
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class RecordingStatus:
    """The recorder's state; ``error`` says why it stopped, if it did so by itself."""

    active: bool
    path: str = ""
    rows: int = 0
    dropped: int = 0
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class EpisodeChanged:
    """An episode began (``mark`` empty) or ended."""

    index: int
    path: str
    mark: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ReplayStatus:
    """Progress of a replay and its drift from the original.

    ``drift_rad`` is the mean absolute joint difference to the recorded positions at this
    moment, ``object_drift_m`` the distance of the object from its recorded place, NaN while it
    is dropped here or was dropped there; the others are the mean and the maxima over everything
    that was played so far.
    """

    playing: bool
    position_s: float
    length_s: float
    drift_rad: float = float("nan")
    object_drift_m: float = float("nan")
    phase: Literal["approach", "play", "paused", "done"] = "play"
    mean_drift_rad: float = float("nan")
    max_drift_rad: float = float("nan")
    mean_object_drift_m: float = float("nan")
    max_object_drift_m: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class CalibrationDone:
    """A calibration was stored in a profile."""

    profile: str
    scales: Mapping[str, float]
