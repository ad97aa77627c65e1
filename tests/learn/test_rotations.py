"""Rotations against scipy."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from dexgen_app.learn import rotations


def _to_scipy(q: torch.Tensor) -> Rotation:
    return Rotation.from_quat(q.numpy()[:, [1, 2, 3, 0]])


def test_products_vectors_and_angles() -> None:
    generator = torch.Generator().manual_seed(0)
    a = rotations.random_quaternions(50, generator)
    b = rotations.random_quaternions(50, generator)
    v = torch.randn(50, 3, generator=generator)
    both = _to_scipy(a) * _to_scipy(b)
    np.testing.assert_allclose(
        _to_scipy(rotations.multiply(a, b)).as_matrix(), both.as_matrix(), atol=1e-5
    )
    np.testing.assert_allclose(rotations.rotate(a, v), _to_scipy(a).apply(v.numpy()), atol=1e-5)
    turn = rotations.multiply(b, rotations.conjugate(a))
    np.testing.assert_allclose(
        rotations.to_rotation_vector(turn), _to_scipy(turn).as_rotvec(), atol=1e-3
    )
    angle = (_to_scipy(b) * _to_scipy(a).inv()).magnitude()
    np.testing.assert_allclose(rotations.angle_between(a, b), angle, atol=2e-3)


def test_rotation_vector_round_trip_and_identity() -> None:
    v = torch.tensor([[0.0, 0.0, 0.0], [1e-8, 0.0, 0.0], [0.3, -0.2, 2.0]])
    back = rotations.to_rotation_vector(rotations.from_rotation_vector(v))
    assert torch.allclose(back, v, atol=1e-6)


def test_tilt_stays_a_unit_vector_within_its_bound() -> None:
    down = torch.tensor([[-1.0, 0.0, 0.0]]).expand(500, 3)
    tilted = rotations.tilt(down, 0.35, torch.Generator().manual_seed(0))
    angle = torch.acos((tilted * down).sum(-1).clamp(-1.0, 1.0))
    assert torch.allclose(torch.linalg.vector_norm(tilted, dim=-1), torch.ones(500), atol=1e-5)
    assert 0.3 < float(angle.max()) <= 0.351
    assert math.isclose(float(angle.mean()), 0.175, abs_tol=0.02)
