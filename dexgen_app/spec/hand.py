"""What a hand is: its joints in order, their limits, its fingers and its model file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from dexgen_app.spec.extensions import DriverSpec

Side = Literal["right", "left"]
StopBehaviour = Literal["hold", "limp"]


@dataclass(frozen=True, kw_only=True)
class FingerSpec:
    """One finger of a hand.

    Attributes:
        name: ``thumb``, ``index``, ``middle``, ``ring`` or ``little``.
        joints: Names of the finger's joints from the palm to the tip.
        tip_site: Site of the MJCF at the fingertip's contact point.
        pip_site: Site of the MJCF at the finger's middle joint (PIP; the thumb's MCP).
        landmarks: The human finger that drives it, as four indices into the 21 landmarks,
            from the base to the tip.
    """

    name: str
    joints: tuple[str, ...]
    tip_site: str
    pip_site: str
    landmarks: tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class HandSpec:
    """A robot hand. All per-joint values follow ``joint_names``.

    Attributes:
        id: Stable identifier, stored in recordings and settings.
        title: Name on the screen.
        side: ``right`` or ``left``.
        model: MJCF file as ``package:relative/path.xml``. The model's root frame is the
            canonical hand frame: origin at the wrist, +z to the middle finger's base, +x out
            of the palm.
        joint_names: Joint names in the order of every array.
        lower: Lower position limits [rad].
        upper: Upper position limits [rad].
        max_speed: Speed limits [rad/s].
        max_effort: Torque limits [N m].
        home: An open rest pose [rad].
        fingers: The fingers, index to little and then the thumb.
        grasp: A pose that closes round a 6 cm object at ``grasp_center`` [rad].
        grasp_center: Centre of an object held by ``grasp``, in the hand frame [m].
        palm_site: Site of the MJCF in the middle of the palm.
        aliases: Short names that mean this hand on the command line.
        max_temperature: Motor temperature above which the hand is stopped [deg C].
        stop_behaviour: What STOP does: ``hold`` keeps the last target, ``limp`` cuts torque.
        drivers: Real hardware that this hand can be; a simulated driver always exists.
    """

    id: str
    title: str
    side: Side
    model: str
    joint_names: tuple[str, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    max_speed: tuple[float, ...]
    max_effort: tuple[float, ...]
    home: tuple[float, ...]
    fingers: tuple[FingerSpec, ...]
    grasp: tuple[float, ...]
    grasp_center: tuple[float, float, float]
    palm_site: str = "palm"
    aliases: tuple[str, ...] = ()
    max_temperature: float = 70.0
    stop_behaviour: StopBehaviour = "hold"
    drivers: tuple[DriverSpec, ...] = field(default=())

    def __post_init__(self) -> None:
        n = len(self.joint_names)
        for name in ("lower", "upper", "max_speed", "max_effort", "home", "grasp"):
            values = getattr(self, name)
            if len(values) != n:
                raise ValueError(f"hand {self.id}: {name} has {len(values)} values, not {n}")
            if not np.isfinite(values).all():
                raise ValueError(f"hand {self.id}: {name} has a value that is not finite")
        if len(set(self.joint_names)) != n:
            raise ValueError(f"hand {self.id}: joint names repeat")
        known = set(self.joint_names)
        for finger in self.fingers:
            for joint in finger.joints:
                if joint not in known:
                    raise ValueError(f"hand {self.id}: finger {finger.name} names {joint}")
        for name, low, high in zip(self.joint_names, self.lower, self.upper):
            if not low < high:
                raise ValueError(f"hand {self.id}: joint {name} has no range ({low} to {high})")

    @property
    def joint_count(self) -> int:
        """Number of driven joints."""
        return len(self.joint_names)

    @cached_property
    def limits(self) -> np.ndarray:
        """Position limits [rad], shape (2, joint_count): lower, then upper."""
        return np.array([self.lower, self.upper])

    @property
    def keypoint_sites(self) -> tuple[str, ...]:
        """Sites of the controller's keypoints: every PIP, then every tip, in finger order."""
        return (
            *(finger.pip_site for finger in self.fingers),
            *(finger.tip_site for finger in self.fingers),
        )

    @property
    def tip_sites(self) -> tuple[str, ...]:
        """Fingertip sites in finger order."""
        return tuple(finger.tip_site for finger in self.fingers)

    def joint_index(self, name: str) -> int:
        """Return the position of joint ``name`` in every per-joint array."""
        return self.joint_names.index(name)
