"""Batched rotations in torch. Quaternions are ``wxyz``; every function takes leading batch axes."""

from __future__ import annotations

import torch


def multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the Hamilton product ``a * b`` of quaternions, shape (..., 4)."""
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    return torch.stack(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ),
        dim=-1,
    )


def conjugate(q: torch.Tensor) -> torch.Tensor:
    """Return the inverse of unit quaternions, shape (..., 4)."""
    return torch.cat((q[..., :1], -q[..., 1:]), dim=-1)


def rotate(q: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Rotate vectors ``v`` (..., 3) by unit quaternions ``q`` (..., 4)."""
    u = q[..., 1:]
    t = 2.0 * torch.linalg.cross(u, v)
    return v + q[..., :1] * t + torch.linalg.cross(u, t)


def to_rotation_vector(q: torch.Tensor) -> torch.Tensor:
    """Return axis times angle [rad] of unit quaternions, angle within [0, pi], shape (..., 3)."""
    q = torch.where(q[..., :1] < 0.0, -q, q)
    sine = torch.linalg.vector_norm(q[..., 1:], dim=-1, keepdim=True)
    angle = 2.0 * torch.atan2(sine, q[..., :1])
    # angle / sin(angle / 2) tends to 2 at the identity.
    factor = torch.where(sine > 1e-6, angle / sine.clamp_min(1e-6), torch.full_like(sine, 2.0))
    return q[..., 1:] * factor


def from_rotation_vector(v: torch.Tensor) -> torch.Tensor:
    """Return the unit quaternion of axis times angle [rad] (..., 3), shape (..., 4)."""
    angle = torch.linalg.vector_norm(v, dim=-1, keepdim=True)
    half = 0.5 * angle
    factor = torch.where(angle > 1e-6, torch.sin(half) / angle.clamp_min(1e-6), 0.5)
    return torch.cat((torch.cos(half), v * factor), dim=-1)


def angle_between(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the angle [rad] between unit quaternions, within [0, pi], shape (...)."""
    dot = (a * b).sum(-1).abs().clamp(max=1.0)
    return 2.0 * torch.acos(dot)


def random_quaternions(count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw uniformly distributed unit quaternions, shape (count, 4)."""
    q = torch.randn(count, 4, generator=generator)
    return q / torch.linalg.vector_norm(q, dim=-1, keepdim=True).clamp_min(1e-9)


def tilt(direction: torch.Tensor, largest: float, generator: torch.Generator) -> torch.Tensor:
    """Turn unit vectors by a random angle about a random perpendicular axis.

    Args:
        direction: Unit vectors, shape (n, 3).
        largest: Largest angle [rad]; angles are uniform within [0, largest].
        generator: Source of randomness.

    Returns:
        Unit vectors, shape (n, 3).
    """
    if largest <= 0.0:
        return direction.clone()
    axis = torch.linalg.cross(direction, torch.randn(direction.shape, generator=generator))
    axis = axis / torch.linalg.vector_norm(axis, dim=-1, keepdim=True).clamp_min(1e-9)
    angle = largest * torch.rand(direction.shape[0], 1, generator=generator)
    return rotate(from_rotation_vector(axis * angle), direction)
