"""Declares the rotation skill."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import SkillSpec


@hookimpl
def register_skills() -> list[SkillSpec]:
    """Declare the skill."""
    return [
        SkillSpec(
            id="rotate",
            title="In-hand rotation",
            environment="dexgen_skill_rotate.environment:RotateEnvironment",
            config="dexgen_skill_rotate.config:RotateConfig",
            modes=("precision_rotation",),
            weights="dexgen_skill_rotate:weights",
            help="turn an object in the hand about an axis without end",
        )
    ]
