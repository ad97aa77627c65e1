"""One row of the state ring: everything that a tick of the loop knows, as a numpy record."""

from __future__ import annotations

from enum import IntEnum, IntFlag

import numpy as np

STAGES = ("device", "retarget", "controller", "filter", "hand", "total")
"""Latency stages [ns]: age of the sample when read; time in each stage; birth to command sent."""

MAX_CONTACTS = 16
MAX_POINTS = 26


class SessionState(IntEnum):
    """State of a live session; the number is stored in recordings."""

    DISCONNECTED = 0
    CONNECTING = 1
    CONNECTED = 2
    ARMED = 3
    ACTIVE = 4
    STOPPED = 5
    FAULT = 6


class Clip(IntFlag):
    """Why the filter changed or held a joint's target."""

    NONE = 0
    STALE_INPUT = 1
    DEAD_MAN = 2
    STOP = 4
    POSITION_LIMIT = 8
    SPEED_LIMIT = 16
    STEP_LIMIT = 32
    JUMP = 64
    EFFORT_LIMIT = 128
    TEMPERATURE = 256
    NOT_FINITE = 512
    RAMP = 1024
    NOT_ARMED = 2048
    HEARTBEAT = 4096


def row_dtype(joints: int) -> np.dtype:
    """Return the record type of a row for a hand with ``joints`` joints.

    Per-joint fields are in [rad], [rad/s], [N m] and [deg C]; poses are position [m] and
    quaternion wxyz in the canonical hand frame; NaN stands for "not there".
    """
    return np.dtype(
        [
            ("sequence", "<i8"),  # written last; -1 while the row is being written
            ("stamp_ns", "<i8"),  # monotonic start of the tick
            ("tick", "<i8"),
            ("state", "<u1"),  # SessionState
            ("dead_man", "<u1"),
            ("stop", "<u1"),  # STOP is latched
            ("held", "<u1"),  # the object is in the hand
            ("ramp", "<f4"),  # 0 to 1 after arming
            ("sample_sequence", "<i8"),
            ("sample_born_ns", "<i8"),
            ("input_kind", "<u1"),  # InputKind
            ("raw_points", "<f4", (MAX_POINTS, 7)),  # landmarks, OpenXR joints or fingertips
            ("raw_joints", "<f8", (joints,)),
            ("wrist_pose", "<f8", (7,)),
            ("command", "<f8", (joints,)),  # retargeted
            ("controller", "<f8", (joints,)),  # the controller's output
            ("target", "<f8", (joints,)),  # what the filter let through
            ("clip", "<u4", (joints,)),  # Clip flags
            ("position", "<f8", (joints,)),
            ("velocity", "<f8", (joints,)),
            ("effort", "<f8", (joints,)),
            ("temperature", "<f8", (joints,)),
            ("object_pose", "<f8", (7,)),
            ("gravity", "<f8", (3,)),
            ("contact_count", "<i4"),
            ("contacts", "<f4", (MAX_CONTACTS, 6)),  # position, force on the object
            ("drops", "<i4"),
            ("latency_ns", "<i8", (len(STAGES),)),
            ("period_ns", "<i8"),  # since the previous tick
            ("work_ns", "<i8"),  # time the tick took
            ("late", "<i8"),  # ticks so far that started more than half a period late
            ("real_time_factor", "<f4"),  # over the last second
            ("episode", "<i4"),  # -1 outside an episode
            ("recording", "<u1"),
        ]
    )
