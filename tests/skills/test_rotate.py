"""The rotation skill: what it pays for and what it counts."""

from __future__ import annotations

import math

import pytest
import torch

from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.rotations import from_rotation_vector, multiply
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_rotate.config import RotateConfig
from dexgen_skill_rotate.environment import RotateEnvironment

N = 4


@pytest.fixture
def environment(grasp_set: GraspSet) -> RotateEnvironment:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=N)
    config = RotateConfig(axes=((0.0, 0.0, 2.0),), speed=1.0, drop_distance=9.0)
    environment = RotateEnvironment(context, config, grasps=[grasp_set])
    environment.reset()
    return environment


def _pay(environment: RotateEnvironment, turn: tuple[float, float, float]) -> torch.Tensor:
    """Return the reward of a step in which the object turned by ``turn`` and nothing else moved."""
    state = environment.state
    state.pose = state.pose.clone()
    state.pose[:, :3] = environment._start_position
    state.pose[:, 3:] = multiply(
        from_rotation_vector(torch.tensor([turn])).expand(N, 4), environment._last_turn
    )
    state.twist = torch.zeros_like(state.twist)
    state.velocity = torch.zeros_like(state.velocity)
    zeros = torch.zeros(N, 16)
    return environment.evaluate_step(zeros, zeros, torch.zeros(N, dtype=torch.bool))


def test_turning_about_the_axis_pays_up_to_its_limit(environment: RotateEnvironment) -> None:
    still = _pay(environment, (0.0, 0.0, 0.0))
    slow = _pay(environment, (0.0, 0.0, 0.05))
    fast = _pay(environment, (0.0, 0.0, 0.2))
    faster = _pay(environment, (0.0, 0.0, 0.3))
    back = _pay(environment, (0.0, 0.0, -0.05))
    w = environment.config.reward
    assert torch.allclose(slow - still, torch.full((N,), w.scale * w.turn * 0.5), atol=1e-3)
    assert torch.allclose(still - back, torch.full((N,), w.scale * w.turn * 0.5), atol=1e-3)
    assert torch.allclose(fast, faster, atol=1e-3)


def test_other_axes_and_drops_cost(environment: RotateEnvironment) -> None:
    still = _pay(environment, (0.0, 0.0, 0.0))
    off = _pay(environment, (0.05, 0.0, 0.0))
    w = environment.config.reward
    assert torch.allclose(still - off, torch.full((N,), w.scale * w.off_axis * 0.5), atol=1e-3)
    zeros = torch.zeros(N, 16)
    dropped = environment.evaluate_step(zeros, zeros, torch.ones(N, dtype=torch.bool))
    assert torch.allclose(dropped, torch.full((N,), -w.scale * w.drop))


def test_turn_speed_is_counted_in_radians_a_second(environment: RotateEnvironment) -> None:
    environment.drain_counts()
    _pay(environment, (0.0, 0.0, 0.07))
    assert environment.drain_counts()["sum/turn_speed"] / N == pytest.approx(0.7, abs=1e-3)
    assert math.isclose(float(environment.axis[0, 2]), 1.0)


def test_steps_are_finite(environment: RotateEnvironment) -> None:
    for _ in range(3):
        result = environment.step(0.3 * torch.randn(N, 16))
    assert all(bool(torch.isfinite(v).all()) for v in result.observations.values())
    assert bool(torch.isfinite(result.reward).all())
