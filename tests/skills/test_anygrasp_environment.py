"""What AnyGrasp adds to the hand's environment: stalled episodes and symmetric objects."""

from __future__ import annotations

import math

import pytest
import torch

from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.rotations import from_rotation_vector, multiply
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_anygrasp.config import AnyGraspConfig
from dexgen_skill_anygrasp.environment import AnyGraspEnvironment

N = 3


def make(grasp_set: GraspSet, **changes: float) -> AnyGraspEnvironment:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=N)
    config = AnyGraspConfig(drop_distance=9.0, lowest=-9.0, **changes)
    environment = AnyGraspEnvironment(context, config, grasps=[grasp_set])
    environment.reset()
    return environment


def test_an_episode_without_goals_ends_as_failed(
    grasp_set: GraspSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = make(grasp_set, stall_seconds=0.3)
    far = torch.ones(N), torch.ones(N)
    monkeypatch.setattr(environment, "goal_error", lambda: far)
    zeros = torch.zeros(N, 16)
    assert not environment.step(zeros).done.any()
    distance = torch.tensor([0.0, 1.0, 1.0])
    monkeypatch.setattr(environment, "goal_error", lambda: (distance, distance))
    assert not environment.step(zeros).done.any()
    monkeypatch.setattr(environment, "goal_error", lambda: far)
    done = [environment.step(zeros) for _ in range(2)]
    assert [result.done.tolist() for result in done] == [[False] * 3, [False, True, True]]
    assert not done[1].timed_out.any() and not done[1].dropped.any()
    assert environment.drain_counts()["stalls"] == 2


def test_equivalent_orientations_look_alike(grasp_set: GraspSet) -> None:
    environment = make(grasp_set)
    seen = environment.seen_orientation()
    quarter = from_rotation_vector(torch.tensor([[0.0, 0.5 * math.pi, 0.0]])).expand(N, 4)
    environment.state.pose = environment.state.pose.clone()
    environment.state.pose[:, 3:] = multiply(environment.state.pose[:, 3:], quarter)
    assert torch.allclose(environment.seen_orientation(), seen, atol=1e-5)


def test_episodes_start_where_others_were_stuck(
    grasp_set: GraspSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = make(grasp_set, stuck_share=1.0, stuck_seconds=0.3, episode_seconds=0.5)
    far = torch.ones(N), torch.ones(N)
    monkeypatch.setattr(environment, "goal_error", lambda: far)
    kept = None
    for step in range(5):
        result = environment.step(0.5 * torch.ones(N, 16))
        if step == 2:
            kept = environment.state, environment.target.clone(), environment.gravity.clone()
    assert kept is not None
    assert result.timed_out.all()
    stuck, target, gravity = kept
    # Each starts in one of the three states, at rest.
    fits = (environment.target[:, None] == target[None]).all(-1)
    assert bool(fits.any(1).all())
    which = fits.float().argmax(1)
    assert torch.equal(environment.gravity, gravity[which])
    assert torch.allclose(environment.state.pose, stuck.pose[which], atol=1e-5)
    assert float(environment.state.velocity.abs().max()) == 0.0
    assert environment.drain_counts()["stuck"] == N


def test_without_stuck_states_episodes_start_in_grasps(grasp_set: GraspSet) -> None:
    environment = make(grasp_set, stuck_share=1.0)
    starts = environment.goals.targets
    assert bool((environment.target[:, None] == starts[None]).all(-1).any(1).all())
