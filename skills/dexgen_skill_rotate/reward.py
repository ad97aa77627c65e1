"""The reward of continuous rotation: turning, guidance by grasps ahead, holding, regularisation.

Turning is paid as in HORA (arXiv 2210.04887): clipped angular speed about the axis. Where HORA
pulls the joints to the start pose, this pulls their targets to those of the next grasp, which by
default are the start's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dexgen_skill_rotate.config import RotationWeights


@dataclass(frozen=True, eq=False, kw_only=True)
class RotationInput:
    """What a reward is computed from; N environments.

    Attributes:
        along: Angular speed about the axis over the step, clipped [rad/s], shape (N,).
        off: Angular speed about other axes over the step [rad/s], shape (N,).
        distance: Of the object from its goal's position [m], shape (N,).
        tilt: Angle between object and goal, but for the turn about the axis [rad], shape (N,).
        target_error: Goal's joint targets minus the targets now [rad], shape (N, J).
        joint_progress: How much nearer the targets came to the goal's [rad], shape (N,).
        speed: The object's speed [m/s], shape (N,).
        dropped: Whether the object was dropped in this step, shape (N,).
        action: The action, shape (N, J).
        previous: The action before it, shape (N, J).
        velocity: Joint velocities [rad/s], shape (N, J).
        torque: Joint torques [N m], shape (N, J).
    """

    along: torch.Tensor
    off: torch.Tensor
    distance: torch.Tensor
    tilt: torch.Tensor
    target_error: torch.Tensor
    joint_progress: torch.Tensor
    speed: torch.Tensor
    dropped: torch.Tensor
    action: torch.Tensor
    previous: torch.Tensor
    velocity: torch.Tensor
    torque: torch.Tensor


def reward_terms(step: RotationInput, weights: RotationWeights) -> dict[str, torch.Tensor]:
    """Return the weighted terms by name, each of shape (N,), before ``weights.scale``.

    A step with a drop has no term but ``hold``: the object's last leap is not rotation.
    """
    w = weights
    held = (~step.dropped).float()
    change = step.action - step.previous
    return {
        "turn": w.turn * held * step.along,
        "guide": held
        * (
            w.goal * torch.exp(-w.position * step.distance - w.tilt * step.tilt)
            + w.joint_progress * step.joint_progress
            - 0.5 * w.joint_goal * step.target_error.square().sum(-1)
        ),
        "hold": w.alive * held - w.drop * step.dropped.float(),
        "regularisation": -held
        * (
            w.off_axis * step.off
            + w.object_speed * step.speed
            + w.action * step.action.square().sum(-1)
            + w.action_change * change.square().sum(-1)
            + w.work * (step.velocity * step.torque).sum(-1).abs()
            + w.torque * step.torque.square().sum(-1)
        ),
    }
