"""What is simulated beside the hand: one object, and the wrist that turns gravity."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Shape = Literal["cube", "box", "sphere", "cylinder", "capsule"]

GRAVITY_DIRECTIONS: dict[str, tuple[float, float, float]] = {
    "palm_up": (-1.0, 0.0, 0.0),
    "palm_down": (1.0, 0.0, 0.0),
    "fingers_up": (0.0, 0.0, -1.0),
    "fingers_down": (0.0, 0.0, 1.0),
    "thumb_up": (0.0, -1.0, 0.0),
    "thumb_down": (0.0, 1.0, 0.0),
}
"""Unit gravity vectors in the canonical frame of a right hand for six wrist poses."""


@dataclass(frozen=True, kw_only=True)
class ObjectSpec:
    """A rigid object.

    Attributes:
        shape: One of the five primitives.
        size: Outer dimensions [m]: edge lengths (x, y, z) of a cube or box; diameter three
            times for a sphere; (diameter, diameter, total length) of a cylinder or capsule,
            whose axis is z.
        mass: Mass [kg].
        friction: Sliding friction coefficient.
    """

    shape: Shape = "cube"
    size: tuple[float, float, float] = (0.06, 0.06, 0.06)
    mass: float = 0.05
    friction: float = 1.0

    def __post_init__(self) -> None:
        if self.shape not in ("cube", "box", "sphere", "cylinder", "capsule"):
            raise ValueError(f"unknown object shape {self.shape!r}")
        if len(self.size) != 3 or not all(0.005 <= s <= 0.5 for s in self.size):
            raise ValueError(f"object size {self.size} is not three lengths of 0.005 to 0.5 m")
        if not 0.001 <= self.mass <= 10.0:
            raise ValueError(f"object mass {self.mass} kg is not within 0.001 to 10 kg")
        if not 0.05 <= self.friction <= 5.0:
            raise ValueError(f"object friction {self.friction} is not within 0.05 to 5")


@dataclass(frozen=True, kw_only=True)
class WristProgram:
    """How the wrist is turned, seen as the direction of gravity in the hand frame.

    Attributes:
        direction: A key of ``GRAVITY_DIRECTIONS``: the direction at the start.
        sweep_period: Seconds for a full turn of the sweep; 0 keeps the direction fixed.
        sweep_axis: Axis of the sweep in the hand frame.
    """

    direction: str = "palm_up"
    sweep_period: float = 0.0
    sweep_axis: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        if self.direction not in GRAVITY_DIRECTIONS:
            known = ", ".join(GRAVITY_DIRECTIONS)
            raise ValueError(f"unknown wrist direction {self.direction!r}; known: {known}")
        if not 0.0 <= self.sweep_period < math.inf:
            raise ValueError(f"the sweep period {self.sweep_period} s is no length of time")
        if len(self.sweep_axis) != 3 or not 0.0 < math.hypot(*self.sweep_axis) < math.inf:
            raise ValueError(f"the sweep axis {self.sweep_axis} is no direction")

    def gravity(self, seconds: float) -> np.ndarray:
        """Return the unit gravity vector in the hand frame after ``seconds``, shape (3,)."""
        start = np.array(GRAVITY_DIRECTIONS[self.direction])
        if self.sweep_period == 0.0:
            return start
        axis = np.array(self.sweep_axis) / np.linalg.norm(self.sweep_axis)
        angle = 2.0 * math.pi * seconds / self.sweep_period
        # Rodrigues' rotation formula.
        turned = (
            start * math.cos(angle)
            + np.cross(axis, start) * math.sin(angle)
            + axis * float(axis @ start) * (1.0 - math.cos(angle))
        )
        return np.asarray(turned)


@dataclass(frozen=True, kw_only=True)
class SceneSpec:
    """A simulated scene: the wrist's program and the object, or None for an empty hand."""

    object: ObjectSpec | None = field(default_factory=ObjectSpec)
    wrist: WristProgram = field(default_factory=WristProgram)
