"""Declares the free-finger skill."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import SkillSpec


@hookimpl
def register_skills() -> list[SkillSpec]:
    """Declare the skill."""
    return [
        SkillSpec(
            id="free_finger",
            title="Free finger",
            environment="dexgen_skill_free_finger.environment:FreeFingerEnvironment",
            config="dexgen_skill_free_finger.config:FreeFingerConfig",
            modes=("default",),
            help="move one finger to targets while the others hold the object",
        )
    ]
