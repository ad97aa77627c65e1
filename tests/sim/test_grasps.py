"""The search for grasps and its cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sim_worlds import CUBE, SPHERE

from dexgen_app.errors import SimulationError
from dexgen_app.sim import grasps as module
from dexgen_app.sim.grasps import GraspOptions, find_grasps, grip
from dexgen_app.sim.mujoco_world import MujocoWorld
from dexgen_app.sim.world import WorldOptions
from dexgen_hand_allegro.spec import LEFT, RIGHT

QUICK = GraspOptions(batch=16, settle=1.5, shake=0.2)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module.paths, "cache_dir", lambda: tmp_path)
    return tmp_path / "grasps"


def test_grasps_hold_and_the_steadiest_comes_first(cache: Path) -> None:
    found = find_grasps(RIGHT, CUBE, 6, seed=1, options=QUICK)
    assert len(found) == 6
    assert (np.diff(found.slip) >= 0.0).all() and found.slip[-1] < QUICK.slip
    world = MujocoWorld(WorldOptions(hand=RIGHT, objects=(CUBE,), environments=6))
    joints, pose, targets = map(torch.from_numpy, (found.joints, found.object_pose, found.targets))
    world.reset(joints, pose, targets)
    world.set_gravity(torch.tensor([[1.0, 0.0, 0.0]]).repeat(6, 1))  # palm down
    world.step(100)
    assert (world.object_pose() - pose)[:, :3].norm(dim=1).max() < 0.02


def test_no_fingertips_stand_behind_the_object(cache: Path) -> None:
    anywhere = find_grasps(RIGHT, CUBE, 6, seed=2, options=replace(QUICK, lowest_tips=-1.0))
    lowest = float(np.median(_heights(anywhere)))
    above = find_grasps(RIGHT, CUBE, 3, seed=2, options=replace(QUICK, lowest_tips=lowest))
    assert _heights(anywhere).min() < lowest - 1e-3 and _heights(above).min() > lowest - 1e-3


def _heights(grasps: module.GraspSet) -> np.ndarray:
    """Mean height of the touching tips over the object's centre [m]."""
    world = MujocoWorld(WorldOptions(hand=RIGHT, objects=(CUBE,), environments=len(grasps)))
    columns = (grasps.joints, grasps.object_pose, grasps.targets)
    world.reset(*map(torch.from_numpy, columns))
    world.step(2)
    return grip(world, 0.02)[1].numpy()


def test_a_seed_gives_the_same_grasps_and_another_one_others(cache: Path, tmp_path: Path) -> None:
    first = find_grasps(RIGHT, CUBE, 3, seed=5, options=QUICK)
    for file in cache.iterdir():
        file.unlink()
    again = find_grasps(RIGHT, CUBE, 3, seed=5, options=QUICK)
    other = find_grasps(RIGHT, CUBE, 3, seed=6, options=QUICK)
    np.testing.assert_array_equal(first.joints, again.joints)
    assert not np.array_equal(first.joints, other.joints)


def test_a_second_search_comes_from_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_grasps(RIGHT, SPHERE, 2, options=QUICK)
    monkeypatch.setattr(module, "MujocoWorld", None)
    again = find_grasps(RIGHT, SPHERE, 2, options=QUICK)
    np.testing.assert_array_equal(first.object_pose, again.object_pose)
    with pytest.raises(TypeError):  # other object, other file
        find_grasps(RIGHT, CUBE, 2, options=QUICK)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"no archive at all"])
def test_a_spoilt_cache_file_is_replaced(cache: Path, content: bytes) -> None:
    first = find_grasps(RIGHT, CUBE, 1, options=QUICK)
    (file,) = cache.iterdir()
    file.write_bytes(content)
    again = find_grasps(RIGHT, CUBE, 1, options=QUICK)
    np.testing.assert_array_equal(first.joints, again.joints)
    assert [path.name for path in cache.iterdir()] == [file.name]


def test_the_left_hand_grasps_as_well(cache: Path) -> None:
    assert len(find_grasps(LEFT, CUBE, 2, options=QUICK)) == 2


def test_an_object_that_cannot_be_held_is_named(cache: Path) -> None:
    tiny = module.ObjectSpec(shape="sphere", size=(0.008,) * 3)
    with pytest.raises(SimulationError, match="sphere of 8 x 8 x 8 mm"):
        find_grasps(RIGHT, tiny, 4, options=GraspOptions(batch=8, tries=16, settle=0.6))
    assert not list(cache.iterdir())
