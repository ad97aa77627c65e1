"""Declares the AnyGrasp skill and the command ``dexgen-app grasps``."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import CommandSpec, SkillSpec


@hookimpl
def register_skills() -> list[SkillSpec]:
    """Declare the skill."""
    return [
        SkillSpec(
            id="anygrasp",
            title="AnyGrasp to AnyGrasp",
            environment="dexgen_skill_anygrasp.environment:AnyGraspEnvironment",
            config="dexgen_skill_anygrasp.config:AnyGraspConfig",
            modes=("default",),
            weights="dexgen_skill_anygrasp:weights",
            help="move an object in the hand from one grasp to a near one",
        )
    ]


@hookimpl
def register_commands() -> list[CommandSpec]:
    """Declare ``dexgen-app grasps``."""
    return [
        CommandSpec(
            name="grasps",
            module="dexgen_skill_anygrasp.command",
            help="make and show sets of verified grasps",
        )
    ]
