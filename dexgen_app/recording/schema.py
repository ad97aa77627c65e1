"""What is in a session file: channels, their JSON schemas, events and the session's metadata.

A session file is an MCAP file whose messages are JSON with a JSON schema, so Foxglove, Rerun and
PlotJuggler open it. One tick of the loop is one message on each row channel; the messages of a
tick share the header's ``sequence`` (the row's, modulo 2**32) and ``log_time`` (the row's
monotonic stamp). A number that is not finite is ``null``; a pose that nobody observed is absent.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from dexgen_app import __version__
from dexgen_app.live.row import STAGES

SCHEMA_VERSION = 1
SESSION_METADATA = "dexgen.session"
PROFILE = "dexgen"
FRAME = "hand"
EVENT_TOPIC = "/events"
LOOP_TOPIC = "/loop"
OBJECT_TOPIC = "/object"
INPUT_TOPIC = "/input"
SCENE_TOPIC = "/scene"


class EventKind(StrEnum):
    """Kinds of events that the application writes; a plugin may add its own."""

    STATE = "state"
    EPISODE_BEGIN = "episode_begin"
    EPISODE_END = "episode_end"
    NOTE = "note"
    STOP = "stop"
    FAULT = "fault"
    PARAMETER = "parameter"
    DEVICE = "device"
    CONTROLLER = "controller"
    SCENE = "scene"
    REPLAY = "replay"
    RECORDING_BEGIN = "recording_begin"
    RECORDING_END = "recording_end"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Event:
    """Something that happened once.

    Attributes:
        stamp_ns: Monotonic time [ns].
        kind: An ``EventKind`` or a plugin's own word.
        payload: Plain data: what JSON can hold.
    """

    stamp_ns: int
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldSpec:
    """One field of a row and how it is called in a message.

    Attributes:
        column: Field of the row record.
        name: Key in the JSON message.
        unit: SI unit; empty for numbers without one.
        per_joint: Whether the field has one value per joint, in the order of the joint names.
        help: One line for the JSON schema.
    """

    column: str
    name: str
    unit: str = ""
    per_joint: bool = False
    help: str = ""


def _joints(column: str, name: str, unit: str, help: str) -> FieldSpec:
    return FieldSpec(column, name, unit, per_joint=True, help=help)


JOINT_TOPICS: dict[str, tuple[FieldSpec, ...]] = {
    "/command": (_joints("command", "position", "rad", "retargeted joint command"),),
    "/controller": (_joints("controller", "position", "rad", "output of the controller"),),
    "/target": (
        _joints("target", "position", "rad", "joint targets that the safety filter let through"),
        _joints("clip", "clip", "", "flags: why the filter changed or held the target"),
    ),
    "/hand": (
        _joints("position", "position", "rad", "measured joint positions"),
        _joints("velocity", "velocity", "rad/s", "measured joint velocities"),
        _joints("effort", "effort", "N m", "measured joint torques"),
        _joints("temperature", "temperature", "deg C", "motor temperatures"),
    ),
}
"""Channels that hold per-joint arrays only."""

LOOP_FIELDS: tuple[FieldSpec, ...] = (
    FieldSpec("sequence", "sequence", help="number of the row"),
    FieldSpec("stamp_ns", "stamp_ns", "ns", help="monotonic start of the tick"),
    FieldSpec("tick", "tick"),
    FieldSpec("state", "state", help="0 disconnected to 6 fault"),
    FieldSpec("dead_man", "dead_man", help="1 while the dead-man switch is held"),
    FieldSpec("stop", "stop", help="1 while STOP is latched"),
    FieldSpec("ramp", "ramp", help="0 to 1 after arming"),
    FieldSpec("latency_ns", "latency_ns", "ns", help=f"by stage: {', '.join(STAGES)}"),
    FieldSpec("period_ns", "period_ns", "ns", help="since the previous tick"),
    FieldSpec("work_ns", "work_ns", "ns", help="time that the tick took"),
    FieldSpec("late", "late", help="late ticks so far"),
    FieldSpec("real_time_factor", "real_time_factor", help="over the last second"),
    FieldSpec("episode", "episode", help="-1 outside an episode"),
    FieldSpec("recording", "recording"),
)
SCENE_FIELDS: tuple[FieldSpec, ...] = (
    FieldSpec("gravity", "gravity", help="unit vector in the hand frame"),
    FieldSpec("held", "held", help="1 while the object is in the hand"),
    FieldSpec("drops", "drops", help="drops so far"),
    FieldSpec("contact_count", "contact_count"),
    FieldSpec("contacts", "contacts", "m, N", help="position and force on the object, hand frame"),
)
INPUT_FIELDS: tuple[FieldSpec, ...] = (
    FieldSpec("input_kind", "kind", help="1 landmarks, 2 OpenXR joints, 3 joints, 4 fingertips"),
    FieldSpec("sample_sequence", "sequence", help="number of the device's sample"),
    FieldSpec("sample_born_ns", "born_ns", "ns", help="monotonic time of the measurement"),
    FieldSpec("raw_points", "points", "m", help="xyz, and quaternion wxyz for OpenXR joints"),
    _joints("raw_joints", "joints", "rad", "joint input"),
    FieldSpec("wrist_pose", "wrist_pose", "m", help="xyz and quaternion wxyz, device's world"),
)
FIELD_TOPICS: dict[str, tuple[FieldSpec, ...]] = {
    INPUT_TOPIC: INPUT_FIELDS,
    **JOINT_TOPICS,
    SCENE_TOPIC: SCENE_FIELDS,
    LOOP_TOPIC: LOOP_FIELDS,
}
"""Row channels whose messages are named fields; the object's pose has a shape of its own."""

SCHEMA_NAMES = {
    INPUT_TOPIC: "dexgen.Input",
    "/command": "dexgen.JointCommand",
    "/controller": "dexgen.JointCommand",
    "/target": "dexgen.JointTarget",
    "/hand": "dexgen.HandState",
    OBJECT_TOPIC: "foxglove.PoseInFrame",
    SCENE_TOPIC: "dexgen.Scene",
    LOOP_TOPIC: "dexgen.Loop",
    EVENT_TOPIC: "foxglove.Log",
}
"""Schema name of every channel."""


def json_schema(topic: str, joint_names: tuple[str, ...]) -> dict[str, Any]:
    """Return the JSON schema of a channel's messages.

    Args:
        topic: A key of ``SCHEMA_NAMES``.
        joint_names: Names of the joints, in the order of every per-joint array.
    """
    properties: dict[str, Any]
    if topic == OBJECT_TOPIC:
        properties = {
            "timestamp": _TIME,
            "frame_id": {"type": "string"},
            "pose": {
                "type": "object",
                "title": "foxglove.Pose",
                "properties": {
                    "position": _numbers_by_name("foxglove.Vector3", "xyz"),
                    "orientation": _numbers_by_name("foxglove.Quaternion", "xyzw"),
                },
            },
        }
    elif topic == EVENT_TOPIC:
        properties = {
            "timestamp": _TIME,
            "level": {"type": "integer"},
            **{k: {"type": "string"} for k in ("message", "name", "file", "kind")},
            "line": {"type": "integer"},
            "stamp_ns": {"type": "integer"},
            "payload": {"type": "object"},
        }
    else:
        properties = {f.name: _field_schema(f, joint_names) for f in FIELD_TOPICS[topic]}
        if topic == "/target":
            reasons = {"type": "array", "items": {"type": "string"}}
            properties["clip_reasons"] = reasons | {"description": "the flags of all joints"}
    return {"title": SCHEMA_NAMES[topic], "type": "object", "properties": properties}


_TIME = {
    "type": "object",
    "title": "time",
    "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}},
}
_ARRAYS = {"latency_ns", "gravity", "wrist_pose"}
_TABLES = {"points", "contacts"}


def _numbers_by_name(title: str, names: str) -> dict[str, Any]:
    return {
        "type": "object",
        "title": title,
        "properties": {name: {"type": ["number", "null"]} for name in names},
    }


def _field_schema(spec: FieldSpec, joint_names: tuple[str, ...]) -> dict[str, Any]:
    # Foxglove reads "number" and "array"; null stands for a number that was not finite.
    schema: dict[str, Any] = {"type": "number"}
    if spec.per_joint or spec.name in _ARRAYS:
        schema = {"type": "array", "items": {"type": "number"}}
    elif spec.name in _TABLES:
        schema = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
    if spec.per_joint:
        schema["x-joint-names"] = list(joint_names)
    if spec.unit:
        schema["x-unit"] = spec.unit
    if spec.help:
        schema["description"] = f"{spec.help} [{spec.unit}]" if spec.unit else spec.help
    return schema


@dataclass(frozen=True, kw_only=True)
class Session:
    """What is true for a whole session file; kept in its metadata record.

    Attributes:
        id: Random identifier of the recording; a sidecar with edited marks names it.
        hand: The hand's specification as plain data.
        config: The full configuration of the session, seeds included, as plain data.
        wall_time: Local date and time with UTC offset when ``monotonic_ns`` was read.
        wall_ns: The same moment in nanoseconds since 1970.
        monotonic_ns: The same moment on the clock of every stamp in the file.
        app_version: Version of the application that wrote the file.
        schema_version: Version of this layout.
    """

    id: str
    hand: Mapping[str, Any]
    config: Mapping[str, Any]
    wall_time: str
    wall_ns: int
    monotonic_ns: int
    app_version: str = __version__
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def now(cls, hand: Mapping[str, Any], config: Mapping[str, Any]) -> Session:
        """Describe a session that begins now."""
        monotonic_ns = time.monotonic_ns()
        wall_ns = time.time_ns()
        wall = datetime.fromtimestamp(wall_ns / 1e9).astimezone().isoformat(timespec="milliseconds")
        return cls(
            id=uuid.uuid4().hex,
            hand=hand,
            config=config,
            wall_time=wall,
            wall_ns=wall_ns,
            monotonic_ns=monotonic_ns,
        )
