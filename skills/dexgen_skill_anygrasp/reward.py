"""The reward of AnyGrasp-to-AnyGrasp: goal, style and regularisation.

Source of the three parts: DexterityGen (arXiv 2502.04307), appendix B, which leaves the weights
open. The goal term decays with the distance itself rather than its square, and coming nearer is
paid for at once, which changes no optimum (potential-based shaping) and learns sooner.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dexgen_skill_anygrasp.config import RewardWeights


@dataclass(frozen=True, eq=False, kw_only=True)
class RewardInput:
    """What a reward is computed from; N environments.

    Attributes:
        distance: Of the object from its goal [m], shape (N,).
        angle: Between the object's orientation and its goal [rad], shape (N,).
        progress: How much nearer the object came to its goal in this step, shape (N,).
        target_error: Goal's joint targets minus the targets now [rad], shape (N, J).
        reached: Whether the goal was reached in this step, shape (N,).
        dropped: Whether the object was dropped in this step, shape (N,).
        action: The action, shape (N, J).
        previous: The action before it, shape (N, J).
        velocity: Joint velocities [rad/s], shape (N, J).
        torque: Joint torques [N m], shape (N, J).
        twist: Object's linear and angular velocity [m/s], [rad/s], shape (N, 6).
        tip_speed: Speeds of the fingertips [m/s], shape (N, F).
    """

    distance: torch.Tensor
    angle: torch.Tensor
    progress: torch.Tensor
    target_error: torch.Tensor
    reached: torch.Tensor
    dropped: torch.Tensor
    action: torch.Tensor
    previous: torch.Tensor
    velocity: torch.Tensor
    torque: torch.Tensor
    twist: torch.Tensor
    tip_speed: torch.Tensor


def reward_terms(step: RewardInput, weights: RewardWeights) -> dict[str, torch.Tensor]:
    """Return the weighted terms by name, each of shape (N,), before ``weights.scale``."""
    w = weights
    speed = torch.linalg.vector_norm(step.twist[:, :3], dim=-1)
    turn = torch.linalg.vector_norm(step.twist[:, 3:], dim=-1)
    change = step.action - step.previous
    return {
        "goal": torch.exp(-w.position * step.distance - w.angle * step.angle)
        + w.progress * step.progress
        - 0.5 * w.joint_goal * step.target_error.square().sum(-1)
        + w.reached * step.reached.float(),
        "hold": w.alive * (~step.dropped).float() - w.drop * step.dropped.float(),
        "style": -w.tip_speed * step.tip_speed.sum(-1),
        "regularisation": -w.action * step.action.square().sum(-1)
        - w.action_change * change.square().sum(-1)
        - w.work * (step.velocity * step.torque).sum(-1).abs()
        - w.torque * step.torque.square().sum(-1)
        - w.object_speed * speed
        - w.object_turn * turn,
    }
