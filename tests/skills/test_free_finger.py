"""The free-finger skill: which finger is free, what counts as reached, what it pays for."""

from __future__ import annotations

import pytest
import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_free_finger.config import FreeFingerConfig
from dexgen_skill_free_finger.environment import FreeFingerEnvironment

N = 4


def _build(grasps: GraspSet, **config: object) -> FreeFingerEnvironment:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=N)
    environment = FreeFingerEnvironment(
        context, FreeFingerConfig(drop_distance=9.0, **config), grasps=[grasps]
    )
    environment.reset()
    return environment


def test_only_the_chosen_finger_is_free_and_its_target_is_in_reach(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set, fingers=("middle",), reach=0.2)
    assert environment.free.sum(-1).tolist() == [4] * N
    assert environment.free[0, 4:8].all()
    error = (environment.wish - environment._start_joints).abs().max()
    assert float(error) <= 0.2 + 1e-6


def test_a_reached_target_pays_and_is_replaced(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set, fingers=("index",))
    environment.drain_counts()
    environment.wish = environment.state.joints.clone()
    before = environment.wish.clone()
    dropped = torch.zeros(N, dtype=torch.bool)
    zeros = torch.zeros(N, 16)
    near = environment.evaluate_step(zeros, zeros, dropped)
    assert environment.drain_counts()["goals"] == N
    environment.after_step(torch.arange(N))
    assert not torch.equal(environment.wish, before)
    environment.wish = environment.state.joints + 1.0
    far = environment.evaluate_step(zeros, zeros, dropped)
    assert environment.drain_counts()["goals"] == 0
    assert float((near - far).min()) > 0.3 * 8.0


def test_moving_the_object_costs(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set)
    environment.evaluate_step(torch.zeros(N, 16), torch.zeros(N, 16), torch.zeros(N) > 0)
    zeros, held = torch.zeros(N, 16), torch.zeros(N, dtype=torch.bool)
    before = environment.evaluate_step(zeros, zeros, held)
    pose = environment.state.pose.clone()
    away = pose[:, :3] - environment._start_pose[:, :3] + torch.tensor([0.02, 0.0, 0.0])
    pose[:, :3] = environment._start_pose[:, :3] + away
    environment.state.pose = pose
    assert bool((environment.evaluate_step(zeros, zeros, held) < before + 1e-6).any())
    dropped = environment.evaluate_step(zeros, zeros, ~held)
    assert torch.allclose(dropped, torch.full((N,), -0.3 * 20.0))


def test_a_target_that_takes_too_long_is_replaced(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set, target_seconds=0.3, tolerance=1e-9)
    first = environment.wish.clone()
    for _ in range(4):
        result = environment.step(torch.zeros(N, 16))
    assert not torch.equal(environment.wish, first)
    assert all(bool(torch.isfinite(v).all()) for v in result.observations.values())


def test_an_unknown_finger_is_refused(grasp_set: GraspSet) -> None:
    with pytest.raises(InputError, match="has no finger little"):
        _build(grasp_set, fingers=("little",))
