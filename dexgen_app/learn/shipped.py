"""Where a skill keeps what it ships: a trained policy a hand, and grasps to watch it from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from dexgen_app.spec import HandSpec, SkillSpec


def policy_file(skill: SkillSpec, hand: HandSpec) -> Path | None:
    """Return the policy that a skill ships for a hand, None where there is none."""
    return _file(skill, f"{hand.id}.safetensors")


def grasps_file(skill: SkillSpec, hand: HandSpec) -> Path | None:
    """Return the grasps that it ships beside the policy, None where there are none.

    They are few: enough to watch the policy on a machine where no grasps were made, not to train.
    """
    return _file(skill, f"{hand.id}_grasps.safetensors")


def _file(skill: SkillSpec, name: str) -> Path | None:
    package, _, folder = skill.weights.partition(":")
    path = Path(str(files(package))) / folder / name if package else None
    return path if path is not None and path.is_file() else None
