"""A tiny grasp set and a tiny AnyGrasp environment on MuJoCo."""

from __future__ import annotations

import pytest
import torch

from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.spec import ObjectSpec
from dexgen_hand_allegro.spec import RIGHT


def make_grasp_set(count: int = 20, spread: float = 0.01, seed: int = 0) -> GraspSet:
    """Return grasps round the canonical one; all of them claim to hold."""
    generator = torch.Generator().manual_seed(seed)
    joints = torch.tensor(RIGHT.grasp) + 0.05 * torch.randn(count, 16, generator=generator)
    pose = torch.zeros(count, 7)
    pose[:, :3] = torch.tensor(RIGHT.grasp_center)
    pose[:, :3] += spread * torch.randn(count, 3, generator=generator)
    pose[:, 3] = 1.0
    return GraspSet(
        hand=RIGHT.id,
        joint_names=RIGHT.joint_names,
        object=ObjectSpec(),
        joints=joints,
        targets=joints.clone(),
        object_pose=pose,
        holds=torch.ones(count, 6, dtype=torch.bool),
        info={"seed": seed},
    )


@pytest.fixture
def grasp_set() -> GraspSet:
    return make_grasp_set()
