"""Near goals: neighbours by the metric, none that is reached, connectivity of the graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.goals import GoalOptions, GraspGoals, connectivity
from dexgen_app.learn.grasp_set import GraspSet, grasp_path, load_grasps, save_grasps
from dexgen_app.spec import ObjectSpec
from dexgen_hand_allegro.spec import LEFT, RIGHT


def _line(grasps: GraspSet, positions: list[float]) -> GraspSet:
    """Return grasps that differ only in the object's position along x."""
    count = len(positions)
    pose = torch.zeros(count, 7)
    pose[:, 0] = torch.tensor(positions)
    pose[:, 3] = 1.0
    joints = torch.zeros(count, 16)
    holds = torch.ones(count, 6, dtype=torch.bool)
    return replace(grasps, joints=joints, targets=joints, object_pose=pose, holds=holds)


def _goals(grasps: GraspSet, **options: float) -> GraspGoals:
    return GraspGoals([grasps], GoalOptions(**options), torch.Generator().manual_seed(0))


def _draw(goals: GraspGoals, x: float, count: int = 200, direction: int = 0) -> set[int]:
    pose = torch.zeros(count, 7)
    pose[:, 0], pose[:, 3] = x, 1.0
    zeros = torch.zeros(count, dtype=torch.long)
    rows = goals.draw_goals(zeros, zeros + direction, pose, torch.zeros(count, 16))
    return set(rows.tolist())


def test_goals_are_the_nearest_that_are_not_reached(grasp_set: GraspSet) -> None:
    grasps = _line(grasp_set, [0.0, 0.01, 0.02, 0.03, 0.2, 0.3])
    goals = _goals(grasps, neighbours=2)
    # 0 and 1 are within 12 mm of the object; 2 and 3 are the next.
    assert _draw(goals, 0.0) == {2, 3}


def test_goals_survive_the_gravity_of_their_environment(grasp_set: GraspSet) -> None:
    grasps = _line(grasp_set, [0.0, 0.02, 0.03, 0.04])
    grasps.holds[1, 2] = False
    goals = _goals(grasps, neighbours=1)
    assert _draw(goals, 0.0, direction=0) == {1}
    assert _draw(goals, 0.0, direction=2) == {2}


def test_starts_survive_their_gravity_and_are_of_their_object(grasp_set: GraspSet) -> None:
    first, second = _line(grasp_set, [0.0, 0.1]), _line(grasp_set, [0.2, 0.3])
    second.holds[0, 3] = False
    goals = GraspGoals([first, second], GoalOptions(), torch.Generator().manual_seed(0))
    owners = torch.tensor([0, 1] * 50)
    rows = goals.draw_starts(owners, torch.full((100,), 3))
    assert set(rows[owners == 0].tolist()) == {0, 1}
    assert set(rows[owners == 1].tolist()) == {3}
    assert goals.count(1, 3) == 1


def test_connectivity_counts_components(grasp_set: GraspSet) -> None:
    near = [0.001 * i for i in range(10)]
    far = [1.0 + 0.001 * i for i in range(5)]
    facts = connectivity(_line(grasp_set, near + far), GoalOptions(neighbours=3))
    assert facts["components"] == 2
    assert facts["largest"] == pytest.approx(10 / 15)


def test_grasps_survive_a_file(grasp_set: GraspSet, tmp_path: Path) -> None:
    path = tmp_path / "set.safetensors"
    save_grasps(path, grasp_set)
    back = load_grasps(path, RIGHT)
    assert torch.equal(back.joints, grasp_set.joints)
    assert torch.equal(back.holds, grasp_set.holds)
    assert (back.object, back.info) == (ObjectSpec(), {"seed": 0})


def test_unusable_files_are_refused(
    grasp_set: GraspSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path))
    path = tmp_path / "set.safetensors"
    with pytest.raises(InputError, match="grasps make"):
        load_grasps(grasp_path(RIGHT, ObjectSpec(size=(0.05, 0.05, 0.05))), RIGHT)
    save_grasps(path, grasp_set)
    with pytest.raises(InputError, match="do not fit hand allegro_left"):
        load_grasps(path, LEFT)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        load_grasps(path, RIGHT)
    broken = replace(grasp_set, joints=grasp_set.joints * float("nan"))
    save_grasps(path, broken)
    with pytest.raises(InputError, match="without usable grasps"):
        load_grasps(path, RIGHT)
