"""Guesses by dropping: the hand near its canonical grasp, the object between the tips.

Source of the idea: the grasp cache of HORA (arXiv 2210.04887).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from dexgen_app.learn.rotations import from_rotation_vector, multiply, random_quaternions
from dexgen_app.spec import HandSpec
from dexgen_skill_anygrasp.grasps.settle import Guesses


@dataclass(frozen=True, kw_only=True)
class DropInOptions:
    """How guesses by dropping are drawn.

    Attributes:
        joint_spread: Largest distance of a joint from the canonical grasp [rad].
        position_spread: Standard deviation of the object's position [m].
        squeeze: Largest amount by which the targets close beyond the pose [rad].
        upright: Share of objects whose axes are near those of the hand.
    """

    joint_spread: float = 0.25
    position_spread: float = 0.005
    squeeze: float = 0.25
    upright: float = 0.6


def draw_drop_ins(
    hand: HandSpec, count: int, options: DropInOptions, generator: torch.Generator
) -> Guesses:
    """Draw guesses.

    Args:
        hand: The hand.
        count: Number of guesses.
        options: How they are drawn.
        generator: Source of randomness.

    Returns:
        ``count`` guesses.
    """
    lower, upper = torch.tensor(hand.limits, dtype=torch.float32)
    canonical = torch.tensor(hand.grasp)
    noise = 2.0 * torch.rand(count, hand.joint_count, generator=generator) - 1.0
    joints = torch.clamp(canonical + options.joint_spread * noise, lower, upper)
    closing = _closing_direction(hand)
    squeeze = options.squeeze * torch.rand(count, len(hand.fingers), generator=generator)
    targets = torch.clamp(joints + squeeze @ closing, lower, upper)
    position = torch.tensor(hand.grasp_center) + options.position_spread * torch.randn(
        count, 3, generator=generator
    )
    turn = torch.zeros(count, 3)
    turn[:, 0] = 2.0 * math.pi * torch.rand(count, generator=generator)
    quarter = 0.5 * math.pi * torch.randint(4, (count,), generator=generator).float()
    axis = torch.zeros(count, 3)
    axis[:, 1] = quarter
    wobble = from_rotation_vector(0.15 * torch.randn(count, 3, generator=generator))
    upright = multiply(wobble, multiply(from_rotation_vector(turn), from_rotation_vector(axis)))
    free = random_quaternions(count, generator)
    chosen = torch.rand(count, 1, generator=generator) < options.upright
    orientation = torch.where(chosen, upright, free)
    return Guesses(
        joints=joints, targets=targets, object_pose=torch.cat((position, orientation), dim=-1)
    )


def _closing_direction(hand: HandSpec) -> torch.Tensor:
    """Return for each finger the joints that close it, shape (F, J): those that ``grasp`` bends
    most beyond ``home``."""
    bend = torch.tensor(hand.grasp) - torch.tensor(hand.home)
    rows = torch.zeros(len(hand.fingers), hand.joint_count)
    for row, finger in enumerate(hand.fingers):
        columns = [hand.joint_index(name) for name in finger.joints]
        column = max(columns, key=lambda c: abs(float(bend[c])))
        rows[row, column] = torch.sign(bend[column])
    return rows
