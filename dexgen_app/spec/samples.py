"""What flows through a live session: device samples, hand states, hand commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np


class InputKind(IntEnum):
    """What a teleoperation device measures. The number is stored in recordings."""

    NONE = 0
    LANDMARKS_21 = 1
    """21 hand landmarks (MediaPipe order), wrist first, positions [m], shape (21, 3)."""
    OPENXR_26 = 2
    """26 OpenXR joints, position [m] and quaternion wxyz, shape (26, 7)."""
    JOINTS = 3
    """Joint targets of the robot hand itself [rad], shape (joint_count,)."""
    FINGERTIPS = 4
    """Fingertip positions in the canonical hand frame [m], shape (fingers, 3)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TeleopSample:
    """One measurement of a person's intention.

    Attributes:
        born_ns: Monotonic time of the measurement [ns].
        sequence: Counts the device's samples; equal numbers are the same sample.
        kind: What ``values`` means.
        values: The raw measurement; shape and units are those of ``kind``.
        wrist_pose: Wrist position [m] and quaternion wxyz in the device's z-up world,
            shape (7,), or None.
        tracked: False while the device says that it has lost the hand.
        dead_man: State of a dead-man switch on the device itself; None if it has none.
    """

    born_ns: int
    sequence: int
    kind: InputKind
    values: np.ndarray
    wrist_pose: np.ndarray | None = None
    tracked: bool = True
    dead_man: bool | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class HandState:
    """What a hand measures. Per-joint arrays have shape (joint_count,).

    Attributes:
        stamp_ns: Monotonic time of the measurement [ns].
        position: Joint positions [rad].
        velocity: Joint velocities [rad/s].
        effort: Joint torques [N m]; NaN where the hand does not measure them.
        target: Set-points that the hand holds now [rad]; NaN where it holds none.
        temperature: Motor temperatures [deg C]; NaN where the hand does not measure them.
        object_pose: Object position [m] and quaternion wxyz in the canonical hand frame,
            shape (7,); None when nothing observes it.
        gravity: Direction of gravity in the canonical hand frame, unit length, shape (3,).
        contacts: Contacts on the object, shape (k, 6): position [m] and force on the object
            [N], both in the hand frame.
        fault: What is wrong with the hand, empty if nothing is.
    """

    stamp_ns: int
    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    target: np.ndarray
    temperature: np.ndarray
    object_pose: np.ndarray | None = None
    gravity: np.ndarray = field(default_factory=lambda: np.array([-1.0, 0.0, 0.0]))
    contacts: np.ndarray = field(default_factory=lambda: np.zeros((0, 6)))
    fault: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class HandCommand:
    """Joint targets for a hand.

    Attributes:
        born_ns: Birth of the device sample that led to this command [ns]; 0 if none did.
        position: Joint targets [rad], shape (joint_count,).
        remark: What a controller tells the operator about it, as "a drop is foreseen: the hand
            waits"; empty if it has nothing to say.
    """

    born_ns: int
    position: np.ndarray
    remark: str = ""
