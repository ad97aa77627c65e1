"""Finding grasps: guesses of each kind, the settle in physics, whole sets, the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dexgen_app.__main__ import main
from dexgen_app.errors import InputError, SimulationError
from dexgen_app.learn.grasp_set import load_grasps, save_grasps
from dexgen_app.learn.object_names import parse_object
from dexgen_app.sim.world import PhysicsOptions, World, WorldOptions, make_world
from dexgen_app.spec import GRAVITY_DIRECTIONS, ObjectSpec
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_anygrasp.grasps.drop_in import DropInOptions, draw_drop_ins
from dexgen_skill_anygrasp.grasps.growth import GrowthOptions, grow_guesses
from dexgen_skill_anygrasp.grasps.heuristic import (
    HeuristicOptions,
    draw_contact_guesses,
    to_object_frame,
)
from dexgen_skill_anygrasp.grasps.make import MakeOptions, make_grasps
from dexgen_skill_anygrasp.grasps.reach import TipReach
from dexgen_skill_anygrasp.grasps.settle import Guesses, Settled, SettleOptions, settle_guesses
from dexgen_skill_anygrasp.grasps.surface import project_to_surface

CUBE = ObjectSpec()
QUICK = SettleOptions(settle_seconds=1.0, shake_seconds=0.3)


@pytest.fixture(scope="module")
def reach() -> TipReach:
    return TipReach(RIGHT)


@pytest.fixture(scope="module")
def world() -> World:
    physics = PhysicsOptions(substeps=1)
    options = WorldOptions(hand=RIGHT, objects=(CUBE,), environments=8, physics=physics)
    return make_world("mujoco", options)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_fingertips_reach_points_near_them(reach: TipReach) -> None:
    joints = torch.tensor(RIGHT.grasp).repeat(3, 1)
    lower, upper = torch.tensor(RIGHT.limits, dtype=torch.float32)
    moved = joints + 0.2 * torch.rand(3, 16, generator=_generator())
    points = reach.tips(moved.clamp(lower, upper))
    wanted = torch.tensor([[True, True, False, True]] * 3)
    solved, error = reach.solve(joints, points, wanted)
    assert float(error.max()) < 1e-3
    assert torch.allclose(solved[:, 8:12], joints[:, 8:12], atol=1e-4)
    assert bool(((solved >= lower - 1e-6) & (solved <= upper + 1e-6)).all())


def test_squeeze_is_the_transposed_jacobian_over_the_gain(reach: TipReach) -> None:
    joints = torch.tensor(RIGHT.grasp)[None]
    force = torch.zeros(1, 4, 3)
    force[0, 1, 2] = -2.0
    targets = reach.squeeze(joints, force, stiffness=3.0)
    step = torch.zeros(1, 16)
    step[0, 5] = 1e-3
    moved = (reach.tips(joints + step) - reach.tips(joints - step))[0, 1, 2] / 2e-3
    assert float(targets[0, 5] - joints[0, 5]) == pytest.approx(-2.0 * float(moved) / 3.0, abs=1e-3)
    assert torch.allclose(targets[0, :4], joints[0, :4], atol=1e-5)


def test_contact_guesses_put_tips_onto_the_surface(reach: TipReach) -> None:
    options = HeuristicOptions()
    guesses = draw_contact_guesses(RIGHT, CUBE, reach, 100, options, _generator())
    assert len(guesses) > 5
    tips = to_object_frame(reach.tips(guesses.joints), guesses.object_pose)
    distance = torch.linalg.vector_norm(project_to_surface(CUBE, tips)[0] - tips, dim=-1)
    touching = distance < options.reach_error
    assert bool((touching.sum(-1) >= 2).all()) and bool(touching[:, 3].all())
    assert float((guesses.targets - guesses.joints).abs().max()) > 0.05


def test_growth_stays_near_its_parents_and_keeps_contacts(reach: TipReach) -> None:
    joints = torch.tensor(RIGHT.grasp).repeat(2, 1)
    pose = torch.tensor([[*RIGHT.grasp_center, 1.0, 0.0, 0.0, 0.0]] * 2)
    grasps = Settled(
        joints=joints, targets=joints + 0.1, object_pose=pose, holds=torch.ones(2, 6) > 0
    )
    options = GrowthOptions(step=0.3)
    guesses = grow_guesses(RIGHT, CUBE, reach, grasps, 50, options, _generator())
    moved = torch.linalg.vector_norm(guesses.object_pose[:, :3] - pose[0, :3], dim=-1)
    assert 0.0 < float(moved.max()) <= 0.3 / 15.0 + 1e-6
    assert torch.allclose(guesses.targets - guesses.joints, torch.full((50, 16), 0.1), atol=1e-5)


def test_settling_keeps_what_rests_among_the_tips(world: World) -> None:
    good = draw_drop_ins(RIGHT, 6, DropInOptions(upright=1.0, joint_spread=0.05), _generator())
    away = torch.tensor([[0.5, 0.5, 0.5, 1.0, 0.0, 0.0, 0.0]] * 2)
    guesses = Guesses(
        joints=torch.cat((good.joints, good.joints[:2])),
        targets=torch.cat((good.targets, good.targets[:2])),
        object_pose=torch.cat((good.object_pose, away)),
    )
    settled = settle_guesses(world, guesses, 0, QUICK)
    assert 2 <= len(settled.joints) <= 6
    center = torch.tensor(RIGHT.grasp_center)
    offset = torch.linalg.vector_norm(settled.object_pose[:, :3] - center, dim=-1)
    assert float(offset.max()) < QUICK.largest_offset
    assert settled.holds.shape == (len(settled.joints), len(GRAVITY_DIRECTIONS))
    assert bool(settled.holds[:, 0].all())


def test_an_object_that_the_tips_would_push_out_is_no_grasp(world: World) -> None:
    guesses = draw_drop_ins(RIGHT, 8, DropInOptions(upright=1.0, joint_spread=0.2), _generator())
    everything = settle_guesses(world, guesses, 0, replace(QUICK, lowest_tips=-1.0))
    tips = TipReach(RIGHT).tips(everything.joints)
    distance = torch.linalg.vector_norm(tips - everything.object_pose[:, None, :3], dim=-1)
    near = distance < 0.05
    height = ((tips[..., 0] - everything.object_pose[:, :1]) * near).sum(-1) / near.sum(-1)
    limit = float(height.sort().values[len(height) // 2]) - 1e-3
    kept = settle_guesses(world, guesses, 0, replace(QUICK, lowest_tips=limit))
    assert 0 < len(kept.joints) < len(everything.joints)
    alike = (kept.joints[:, None] - everything.joints[None]).abs().amax(-1) < 1e-6
    assert float(height[alike.any(0)].min()) > float(height[~alike.any(0)].max())


def test_a_set_has_all_kinds_and_is_the_same_for_the_same_seed() -> None:
    options = MakeOptions(count=24, batch=16, seed_share=0.5, settle=QUICK)
    reports = []
    first = make_grasps(RIGHT, CUBE, options, seed=4, report=reports.append)
    second = make_grasps(RIGHT, CUBE, options, seed=4)
    assert len(first) >= 24
    assert torch.equal(first.joints, second.joints)
    assert set(first.info["by_kind"]) == {"contacts", "drop", "growth"}
    assert reports[-1].found == len(first) == sum(first.info["by_kind"].values())
    assert first.info["options_hash"] == second.info["options_hash"]


def test_an_object_that_cannot_be_held_is_given_up() -> None:
    item = ObjectSpec(shape="sphere", size=(0.3, 0.3, 0.3))
    options = MakeOptions(count=5, batch=4, largest_batches=2, settle=QUICK)
    with pytest.raises(SimulationError, match="became grasps of sphere"):
        make_grasps(RIGHT, item, options)


def test_objects_are_read_from_texts() -> None:
    assert parse_object("cube:60") == CUBE
    assert parse_object("cylinder:50x80").size == (0.05, 0.05, 0.08)
    assert parse_object("box:40x60x80").size == (0.04, 0.06, 0.08)
    for text in ("pyramid:60", "cube:60x60", "cube:big", "sphere:0", "box:40"):
        with pytest.raises(InputError, match="object"):
            parse_object(text)


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path))
    common = ["--hand", "allegro", "--object", "cube:60"]
    assert main(["grasps", "show", *common]) == 2
    assert "grasps make" in capsys.readouterr().err
    assert main(["grasps", "make", *common, "--count", "5", "--batch", "16"]) == 0
    assert "valid grasps a second" in capsys.readouterr().out
    assert main(["grasps", "show", *common, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["grasps"] == len(load_grasps(Path(facts["path"]), RIGHT)) >= 5
    assert main(["grasps", "make", *common]) == 0
    assert "already;" in capsys.readouterr().out
    assert main(["grasps", "make", *common, "--set", "settle.lowest_tips=-1"]) == 0
    assert "already, which were made by other rules" in capsys.readouterr().out
    assert main(["grasps", "make", *common, "--set", "settle.lowest_tip=-1"]) == 2
    assert "has no field settle.lowest_tip" in capsys.readouterr().err
    path = Path(facts["path"])
    made = load_grasps(path, RIGHT)
    save_grasps(path, replace(made, info={**made.info, "options_hash": "of another version"}))
    assert main(["grasps", "make", *common]) == 0
    assert "already, which were made by other rules" in capsys.readouterr().out
