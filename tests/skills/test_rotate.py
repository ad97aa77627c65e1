"""The rotation skill: where it starts, the grasps that lead it, what it pays for and counts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.config import override
from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.evaluate import EvaluationOptions, evaluate_policy
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.rotations import (
    conjugate,
    from_rotation_vector,
    multiply,
    to_rotation_vector,
)
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_rotate.config import RotateConfig
from dexgen_skill_rotate.environment import RotateEnvironment
from dexgen_skill_rotate.goals import level

N = 4


@pytest.fixture
def turned(grasp_set: GraspSet) -> GraspSet:
    """Grasps whose objects are turned about x by multiples of a fifth of a right angle."""
    angle = torch.arange(len(grasp_set)) % 5 * (0.1 * math.pi)
    vectors = torch.stack((angle, torch.zeros_like(angle), torch.zeros_like(angle)), -1)
    pose = grasp_set.object_pose.clone()
    pose[:, 3:] = from_rotation_vector(vectors)
    return replace(grasp_set, object_pose=pose)


@pytest.fixture
def environment(turned: GraspSet) -> RotateEnvironment:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=N)
    config = RotateConfig(axes=((2.0, 0.0, 0.0),), drop_distance=9.0, lowest=-9.0)
    environment = RotateEnvironment(context, config, grasps=[turned])
    environment.reset()
    return environment


def _pay(environment: RotateEnvironment, turn: tuple[float, float, float]) -> torch.Tensor:
    """Return the pay of a step in which the object turned by ``turn`` and nothing else moved."""
    weights = replace(environment.config.reward, goal=0.0)
    environment.config = replace(environment.config, reward=weights)
    state = environment.state
    state.pose = state.pose.clone()
    state.pose[:, 3:] = multiply(
        from_rotation_vector(torch.tensor([turn])).expand(N, 4), environment._last_turn
    )
    state.twist = torch.zeros_like(state.twist)
    state.velocity = torch.zeros_like(state.velocity)
    zeros = torch.zeros(N, 16)
    return environment.evaluate_step(zeros, zeros, torch.zeros(N, dtype=torch.bool))


def test_turning_about_the_axis_pays_up_to_its_limit(environment: RotateEnvironment) -> None:
    still = _pay(environment, (0.0, 0.0, 0.0))
    slow = _pay(environment, (0.05, 0.0, 0.0))
    fast = _pay(environment, (0.2, 0.0, 0.0))
    faster = _pay(environment, (0.3, 0.0, 0.0))
    back = _pay(environment, (-0.05, 0.0, 0.0))
    w = environment.config.reward
    assert torch.allclose(slow - still, torch.full((N,), w.scale * w.turn * 0.5), atol=1e-3)
    assert torch.allclose(still - back, torch.full((N,), w.scale * w.turn * 0.5), atol=1e-3)
    assert torch.allclose(fast, faster, atol=1e-3)


def test_other_axes_and_drops_cost(environment: RotateEnvironment) -> None:
    still = _pay(environment, (0.0, 0.0, 0.0))
    off = _pay(environment, (0.0, 0.05, 0.0))
    w = environment.config.reward
    assert torch.allclose(still - off, torch.full((N,), w.scale * w.off_axis * 0.5), atol=1e-3)
    zeros = torch.zeros(N, 16)
    dropped = environment.evaluate_step(zeros, zeros, torch.ones(N, dtype=torch.bool))
    assert torch.allclose(dropped, torch.full((N,), -w.scale * w.drop))


def test_turn_speed_is_counted_in_radians_a_second(environment: RotateEnvironment) -> None:
    environment.drain_counts()
    _pay(environment, (0.07, 0.0, 0.0))
    assert environment.drain_counts()["sum/turn_speed"] / N == pytest.approx(0.7, abs=1e-3)
    assert set(environment.measures) == {"turn_speed", "off_axis_speed", "axis_error"}
    assert math.isclose(float(environment.axis[0, 0]), 1.0)


def test_the_next_grasp_has_the_fingers_of_the_start(environment: RotateEnvironment) -> None:
    assert torch.equal(environment.goal_row, environment._start_rows)
    tilted = from_rotation_vector(torch.tensor([[0.0, 0.2, 0.0]])).expand(N, 4)
    pose = environment.state.pose.clone()
    pose[:, 3:] = multiply(tilted, pose[:, 3:])
    environment.state.pose = pose
    environment._choose_goals(torch.arange(N), pose, environment.state.joints)
    assert torch.equal(environment.goal_row, environment._start_rows)
    # Ahead by the lead once the tilt is undone.
    upright, _ = level(pose[:, 3:], environment.axis)
    ahead = multiply(environment.goal_orientation, conjugate(upright))
    lead = environment.config.lead * environment.axis
    assert torch.allclose(to_rotation_vector(ahead), lead, atol=1e-4)


def test_an_unknown_kind_of_next_grasp_is_refused() -> None:
    with pytest.raises(InputError, match="next_grasp cannot be 'home'"):
        override(RotateConfig(), ["next_grasp=home"])


def test_rolling_about_another_axis_is_told_from_wobbling(environment: RotateEnvironment) -> None:
    def error(*turns: tuple[float, float, float]) -> float:
        environment.reset()
        environment.drain_counts()
        for turn in turns:
            _pay(environment, turn)
        return environment.drain_counts()["sum/axis_error"] / (N * len(turns))

    assert error(*[(0.05, 0.0, 0.0)] * 8) == pytest.approx(0.0, abs=1e-3)
    assert error(*[(0.05, 0.05, 0.0)] * 8) == pytest.approx(0.25 * math.pi, abs=0.02)
    wobble = error(*[(0.05, 0.03, 0.0), (0.05, -0.03, 0.0)] * 20)
    assert wobble < 0.15
    assert error(*[(0.0, 0.0, 0.0)] * 2) == 0.0


def test_a_near_grasp_is_ahead_about_the_axis(environment: RotateEnvironment) -> None:
    lead = 0.3 * math.pi / 3.0
    environment.config = replace(environment.config, next_grasp="near", lead=lead)
    ids = torch.arange(N)
    environment._choose_goals(ids, environment.state.pose, environment.state.joints)
    ahead = environment._goal_turn()
    # Grasps are a tenth of pi apart, and a quarter turn brings the cube onto itself.
    assert torch.allclose(ahead[:, 0], torch.full((N,), 0.1 * math.pi), atol=0.06)
    assert float(ahead[:, 1:].abs().max()) < 0.06


def test_a_grasp_that_was_passed_is_replaced(environment: RotateEnvironment) -> None:
    before = environment.goal_orientation.clone()
    environment.after_step(torch.arange(N))
    assert torch.equal(environment.goal_orientation, before)
    environment.state.pose = environment.state.pose.clone()
    environment.state.pose[0, 3:] = environment.goal_orientation[0]
    environment.drain_counts()
    environment.after_step(torch.arange(N))
    assert environment.drain_counts()["goals"] == 1.0
    assert environment.goals_reached.sum() == 1
    assert float(environment._goal_turn()[0, 0]) > environment.config.passed
    assert torch.equal(environment.goal_orientation[1:], before[1:])


def test_an_episode_without_progress_ends_in_training_only(turned: GraspSet) -> None:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=N)
    config = RotateConfig(drop_distance=9.0, lowest=-9.0, stall_seconds=0.2)
    environment = RotateEnvironment(context, config, grasps=[turned])
    environment.reset()
    zeros = torch.zeros(N, 16)
    for _ in range(2):
        assert not environment.step(zeros).done.any()
    result = environment.step(zeros)
    assert result.done.all() and not result.timed_out.any() and not result.dropped.any()
    assert environment.drain_counts()["stalls"] == N
    policy = lambda observation: torch.zeros(N, 16)  # noqa: E731
    factory = lambda context, config: RotateEnvironment(context, config, grasps=[turned])  # noqa: E731
    options = EvaluationOptions(engine="mujoco", environments=N, seconds=0.5, episode_seconds=0.5)
    (held,) = evaluate_policy(policy, RIGHT, config, factory, options)
    assert (held.trials, held.drops) == (N, 0)
    assert set(held.measures) == {"turn_speed", "off_axis_speed", "axis_error"}


def test_moving_the_targets_towards_the_next_grasp_pays(environment: RotateEnvironment) -> None:
    still = _pay(environment, (0.0, 0.0, 0.0))
    w = environment.config.reward
    w = replace(w, joint_goal=0.0, joint_progress=2.0)
    environment.config = replace(environment.config, reward=w)
    still = _pay(environment, (0.0, 0.0, 0.0))
    goal = environment.goals.targets[environment.goal_row]
    way = torch.linalg.vector_norm(goal - environment.target, dim=-1)
    environment.target = 0.5 * (goal + environment.target)
    paid = _pay(environment, (0.0, 0.0, 0.0)) - still
    assert torch.allclose(paid, w.scale * w.joint_progress * 0.5 * way, atol=1e-3)


def test_equivalent_orientations_look_alike(environment: RotateEnvironment) -> None:
    seen = environment.seen_orientation()
    quarter = from_rotation_vector(torch.tensor([[0.5 * math.pi, 0.0, 0.0]])).expand(N, 4)
    environment.state.pose = environment.state.pose.clone()
    environment.state.pose[:, 3:] = multiply(environment.state.pose[:, 3:], quarter)
    assert torch.allclose(environment.seen_orientation(), seen, atol=1e-5)


def test_starts_are_level_with_the_axis(turned: GraspSet) -> None:
    pose = turned.object_pose.clone()
    pose[1:, 3:] = from_rotation_vector(torch.tensor([[0.0, 0.6, 0.0]])).expand(len(pose) - 1, 4)
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=N)
    grasps = replace(turned, object_pose=pose)
    environment = RotateEnvironment(context, RotateConfig(), grasps=[grasps])
    assert environment.draw_starts(torch.arange(N)).tolist() == [0] * N
    pose[0, 3:] = pose[1, 3:]
    with pytest.raises(InputError, match="level with axis"):
        RotateEnvironment(context, RotateConfig(), grasps=[grasps]).reset()


def test_level_turns_the_nearest_axis_by_the_smallest_angle() -> None:
    yaw = from_rotation_vector(torch.tensor([[1.2, 0.0, 0.0]]))
    tilted = multiply(from_rotation_vector(torch.tensor([[0.0, 0.3, 0.0]])), yaw)
    upright, angle = level(tilted, torch.tensor([[1.0, 0.0, 0.0]]))
    assert float(angle) == pytest.approx(0.3, abs=1e-4)
    assert torch.allclose(to_rotation_vector(upright), torch.tensor([[1.2, 0.0, 0.0]]), atol=1e-4)


def test_steps_are_finite(environment: RotateEnvironment) -> None:
    for _ in range(3):
        result = environment.step(0.3 * torch.randn(N, 16))
    assert all(bool(torch.isfinite(v).all()) for v in result.observations.values())
    assert bool(torch.isfinite(result.reward).all())
