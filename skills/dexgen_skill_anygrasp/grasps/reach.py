"""Inverse kinematics of many fingertips at once, and joint targets that squeeze."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from dexgen_app.spec import HandSpec

_STEP = 1e-3
"""Step of the finite differences [rad]."""


class TipReach:
    """Moves fingertips of one hand to points.

    Args:
        hand: The hand.
        damping: Damping of the least squares step [m/rad].
    """

    def __init__(self, hand: HandSpec, damping: float = 0.01) -> None:
        from dexgen_app.kinematics.batched import BatchedKinematics
        from dexgen_app.kinematics.model import load_mjcf, resolve_model

        model = load_mjcf(resolve_model(hand))
        self._kinematics = BatchedKinematics(model, hand.joint_names, hand.tip_sites)
        self._lower, self._upper = torch.tensor(hand.limits, dtype=torch.float32)
        self._damping = damping

    def tips(self, joints: torch.Tensor) -> torch.Tensor:
        """Return fingertip positions in the hand frame [m], (n, J) -> (n, F, 3)."""
        return self._kinematics.positions(joints)

    def jacobian(self, joints: torch.Tensor) -> torch.Tensor:
        """Return the tips' Jacobians by central differences [m/rad], shape (n, F, 3, J)."""
        n, count = joints.shape
        steps = _STEP * torch.eye(count)
        ahead = self.tips((joints[:, None] + steps).reshape(-1, count))
        behind = self.tips((joints[:, None] - steps).reshape(-1, count))
        columns = (ahead - behind).reshape(n, count, -1, 3) / (2.0 * _STEP)
        return columns.permute(0, 2, 3, 1)

    def solve(
        self, joints: torch.Tensor, points: torch.Tensor, wanted: torch.Tensor, rounds: int = 12
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Move some tips to points by damped least squares within the joint limits.

        Args:
            joints: Where to start [rad], shape (n, J).
            points: Where each tip should go [m], shape (n, F, 3).
            wanted: Which tips should go there; the others stay free, shape (n, F).
            rounds: Number of steps.

        Returns:
            Joint positions [rad], shape (n, J), and the largest remaining distance [m], (n,).
        """
        count = joints.shape[1]
        weight = wanted.float()[..., None]
        eye = self._damping**2 * torch.eye(count)
        for _ in range(rounds):
            error = (weight * (points - self.tips(joints))).flatten(1)
            jacobian = (weight[..., None] * self.jacobian(joints)).flatten(1, 2)
            left = jacobian.transpose(1, 2) @ jacobian + eye
            right = jacobian.transpose(1, 2) @ error[..., None]
            step = torch.linalg.solve(left, right).squeeze(-1).clamp(-0.2, 0.2)
            joints = torch.clamp(joints + step, self._lower, self._upper)
        error = torch.linalg.vector_norm(weight * (points - self.tips(joints)), dim=-1)
        return joints, error.amax(-1)

    def squeeze(self, joints: torch.Tensor, forces: torch.Tensor, stiffness: float) -> torch.Tensor:
        """Return targets whose PD torques push with given forces at the tips [rad].

        The torque is the transposed Jacobian times the force; the target is the position plus the
        torque over the proportional gain.

        Args:
            joints: Joint positions [rad], shape (n, J).
            forces: Forces of the tips on the object [N], shape (n, F, 3).
            stiffness: Proportional gain [N m/rad].
        """
        torque = torch.einsum("nfkj,nfk->nj", self.jacobian(joints), forces)
        return torch.clamp(joints + torque / stiffness, self._lower, self._upper)
