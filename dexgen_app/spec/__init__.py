"""Pure data shared by every part: hands, samples, sessions, scenes and plugin declarations.

Imports numpy and nothing heavier, so that declaring a plugin costs no start-up time.
Units are SI and radians, quaternions are ``wxyz``, times are monotonic nanoseconds.
"""

from dexgen_app.spec.extensions import (
    ActionSpec,
    CommandSpec,
    ControllerSpec,
    DriverSpec,
    KeySpec,
    PanelSpec,
    ParameterSpec,
    SkillSpec,
    TeleopSpec,
)
from dexgen_app.spec.hand import FingerSpec, HandSpec
from dexgen_app.spec.interfaces import (
    ControlInput,
    Controller,
    ControllerContext,
    DriverContext,
    HandDriver,
    TeleopContext,
    TeleopDevice,
)
from dexgen_app.spec.samples import HandCommand, HandState, InputKind, TeleopSample
from dexgen_app.spec.scene import GRAVITY_DIRECTIONS, ObjectSpec, SceneSpec, WristProgram

__all__ = [
    "GRAVITY_DIRECTIONS",
    "ActionSpec",
    "CommandSpec",
    "ControlInput",
    "Controller",
    "ControllerContext",
    "ControllerSpec",
    "DriverContext",
    "DriverSpec",
    "FingerSpec",
    "HandCommand",
    "HandDriver",
    "HandSpec",
    "HandState",
    "InputKind",
    "KeySpec",
    "ObjectSpec",
    "PanelSpec",
    "ParameterSpec",
    "SceneSpec",
    "SkillSpec",
    "TeleopContext",
    "TeleopDevice",
    "TeleopSample",
    "TeleopSpec",
    "WristProgram",
]
