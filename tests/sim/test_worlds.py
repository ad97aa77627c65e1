"""The interface that both engines share, on both."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sim_worlds import CUBE, ENGINES, SPHERE, WorldOf, rows

from dexgen_app.errors import SimulationError
from dexgen_app.kinematics.model import HandModel
from dexgen_hand_allegro.spec import RIGHT

pytestmark = pytest.mark.parametrize("engine", ENGINES)
AWAY = (0.3, 0.0, 0.1, 1.0, 0.0, 0.0, 0.0)  # an object there touches nothing


def test_a_new_world_has_the_hand_at_home_and_the_object_in_the_grasp_centre(
    engine, world_of: WorldOf
) -> None:
    world = world_of(engine)
    assert torch.allclose(world.joint_position(), rows(RIGHT.home, 4), atol=1e-6)
    assert torch.allclose(world.object_pose()[:, :3], rows(RIGHT.grasp_center, 4), atol=1e-6)
    assert torch.equal(world.targets(), rows(RIGHT.home, 4))
    assert world.joint_velocity().abs().max() == 0.0


def test_tips_and_keypoints_are_those_of_the_kinematic_model(engine, world_of: WorldOf) -> None:
    world, model = world_of(engine), HandModel(RIGHT)
    lower, upper = RIGHT.limits
    poses = lower + np.random.default_rng(3).random((4, 16)) * (upper - lower)
    world.reset(torch.from_numpy(poses).float(), rows(AWAY, 4))
    for pose, tips, points in zip(poses, world.tip_position(), world.keypoint_position()):
        np.testing.assert_allclose(tips.numpy(), model.tips(pose), atol=2e-5)
        np.testing.assert_allclose(points.numpy(), model.keypoints(pose), atol=2e-5)


def test_keypoints_follow_the_joints_after_a_step(engine, world_of: WorldOf) -> None:
    world, model = world_of(engine), HandModel(RIGHT)
    world.reset(rows(RIGHT.home, 4), rows(AWAY, 4))
    world.set_targets(rows(RIGHT.grasp, 4))
    world.step(5)
    expected = model.keypoints(world.joint_position()[0].double().numpy())
    np.testing.assert_allclose(world.keypoint_position()[0].numpy(), expected, atol=2e-5)


def test_reset_of_some_environments_leaves_the_others(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    world.step(3)
    before = world.joint_position(), world.object_pose()
    world.reset(rows(RIGHT.grasp, 2), rows(AWAY, 2), ids=[3, 1])
    assert torch.equal(world.joint_position()[[0, 2]], before[0][[0, 2]])
    assert torch.equal(world.object_pose()[[0, 2]], before[1][[0, 2]])
    assert torch.allclose(world.joint_position()[[1, 3]], rows(RIGHT.grasp, 2), atol=1e-6)
    assert torch.allclose(world.object_pose()[[1, 3]], rows(AWAY, 2), atol=1e-6)
    assert world.object_velocity()[[1, 3]].abs().max() == 0.0
    mask = torch.tensor([False, False, True, False])
    world.reset(rows(RIGHT.grasp, 1), rows(AWAY, 1), rows(RIGHT.home, 1), ids=mask)
    assert torch.equal(world.targets()[2], torch.tensor(RIGHT.home))


def test_rows_follow_the_order_of_ids(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    joints = rows(RIGHT.home, 2)
    joints[1] = torch.tensor(RIGHT.grasp)
    world.reset(joints, ids=torch.tensor([2, 0]))
    assert torch.allclose(world.joint_position()[0], torch.tensor(RIGHT.grasp), atol=1e-6)
    assert torch.allclose(world.joint_position()[2], torch.tensor(RIGHT.home), atol=1e-6)


def test_bad_arguments_are_refused(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    with pytest.raises(IndexError, match="0 to 3"):
        world.reset(rows(RIGHT.home, 1), ids=[4])
    with pytest.raises(ValueError, match="joints has shape"):
        world.reset(rows(RIGHT.home, 3))
    with pytest.raises(ValueError, match="targets has shape"):
        world.set_targets(torch.zeros(4, 15))
    with pytest.raises(ValueError, match="object_pose has shape"):
        world.reset(rows(RIGHT.home, 1), torch.zeros(1, 6), ids=[0])


def test_quaternions_are_wxyz_and_angular_velocity_is_in_the_hand_frame(
    engine, world_of: WorldOf
) -> None:
    world = world_of(engine)
    half = 0.5**0.5
    pose = rows(AWAY, 4)
    pose[:, 3:] = torch.tensor([half, 0.0, 0.0, half])  # a quarter turn about z
    pose[:, 2] = 0.0
    # The cube hits the palm's edge with its corner, so that it begins to turn.
    pose[:, :2] = torch.tensor([0.06, 0.07])
    world.reset(rows(RIGHT.home, 4), pose)
    assert torch.allclose(world.object_pose(), pose, atol=1e-6)
    world.step(15)
    before = world.object_pose()[0]
    world.step(1)
    after, velocity = world.object_pose()[0], world.object_velocity()[0]
    turned = _product(after[3:], before[3:] * torch.tensor([1.0, -1.0, -1.0, -1.0]))
    measured = 2.0 * turned[1:] * torch.sign(turned[0]) / 0.01
    assert velocity[3:].norm() > 1.0
    assert torch.allclose(measured, velocity[3:], atol=0.25 * float(velocity[3:].norm()))
    assert torch.allclose((after - before)[:3] / 0.01, velocity[:3], atol=0.06)


def test_gravity_differs_by_environment(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    world.reset(rows(RIGHT.home, 4), rows(AWAY, 4))
    sides = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    world.set_gravity(sides, ids=[0, 1, 2])
    world.step(10)
    fallen = world.object_pose()[:, :3] - rows(AWAY, 4)[:, :3]
    expected = torch.cat((sides, torch.tensor([[-1.0, 0, 0]]))) * 9.81 * 0.1**2 / 2
    assert torch.allclose(fallen, expected, atol=0.004)


def test_force_and_mass_give_the_acceleration(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    world.reset(rows(RIGHT.home, 4), rows(AWAY, 4))
    world.set_gravity(torch.zeros(4, 3))
    mass = torch.tensor([0.05, 0.1, 0.2, 0.4])
    world.set_object_mass(mass)
    world.apply_object_force(torch.tensor([[0.0, 1.0, 0.0]]).repeat(4, 1))
    world.step(10)
    speed = world.object_velocity()[:, 1]
    assert torch.allclose(speed, 0.1 / mass, rtol=0.01)
    world.step(5)  # the force ended with the step
    assert torch.allclose(world.object_velocity()[:, 1], speed, rtol=0.01)
    assert world.object_velocity()[:, 3:].abs().max() < 1e-3


def test_friction_holds_or_lets_slide(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    friction = torch.tensor([0.1, 0.1, 1.5, 1.5])
    world.set_friction(friction, friction)
    pose = rows((0.042, -0.025, 0.045, 1.0, 0.0, 0.0, 0.0), 4)
    world.reset(rows(RIGHT.home, 4), pose)
    down = torch.nn.functional.normalize(torch.tensor([[-1.0, -0.6, 0.0]]), dim=1)
    world.set_gravity(down.repeat(4, 1))
    world.step(30)
    moved = (world.object_pose() - pose)[:, 1].abs()
    assert moved[:2].min() > 0.05
    assert moved[2:].max() < 0.02


def test_gains_differ_by_environment(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    world.reset(rows(RIGHT.home, 4), rows(AWAY, 4))
    stiffness, damping = world.gains()
    stiffness[:2], damping[:2] = 0.3, 0.1
    world.set_gains(stiffness, damping)
    world.set_targets(rows(RIGHT.grasp, 4))
    world.step(10)
    lag = (world.targets() - world.joint_position()).abs().mean(dim=1)
    assert lag[:2].min() > 2.0 * lag[2:].max()
    assert torch.equal(world.gains()[0], stiffness)


def test_effort_is_the_pd_law_with_its_limit(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    joint = RIGHT.joint_index("ffj1")
    target = rows(RIGHT.home, 4)
    target[:, joint] += torch.tensor([0.1, -0.1, 1.0, 0.0])
    world.set_targets(target)
    effort = world.joint_effort()[:, joint]
    assert torch.allclose(effort, torch.tensor([0.3, -0.3, 0.7, 0.0]), atol=1e-5)


def test_contacts_carry_the_weight(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    world.reset(rows(RIGHT.home, 4), rows((0.042, -0.025, 0.045, 1.0, 0.0, 0.0, 0.0), 4))
    world.step(100)
    contacts = world.contacts(2)
    assert contacts.shape[1] == 6
    assert torch.allclose(contacts[:, 3:].sum(dim=0), torch.tensor([0.4905, 0, 0]), atol=0.01)
    assert (contacts[:, 0] - 0.011).abs().min() < 0.002  # on the palm, against the thumb


def test_tip_force_is_felt_by_the_finger_that_is_loaded(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    tip = world.tip_position()[0, 1]
    above = torch.cat((tip + torch.tensor([0.031, 0.0, -0.02]), torch.tensor([1.0, 0, 0, 0])))
    world.reset(rows(RIGHT.home, 4), above.repeat(4, 1))
    force = torch.zeros(4, 4, 3)
    for _ in range(15):
        world.step(1)
        force = torch.where(world.tip_force().abs() > force.abs(), world.tip_force(), force)
    assert force[:, 1, 0].max() < -0.2  # pressed down, as gravity points
    assert force[:, [0, 2, 3]].abs().max() < 1e-6


def test_objects_are_dealt_in_blocks(engine, world_of: WorldOf) -> None:
    world = world_of(engine, objects=(CUBE, SPHERE))
    world.reset(rows(RIGHT.home, 4), rows((0.043, -0.025, 0.045, 1.0, 0.0, 0.0, 0.0), 4))
    world.step(12)
    height = world.object_pose()[:, 0] - 0.0111
    assert torch.allclose(height[:2], torch.full((2,), 0.03), atol=0.003)
    assert torch.allclose(height[2:], torch.full((2,), 0.025), atol=0.003)
    world.set_gravity(torch.zeros(4, 3))
    world.reset(rows(RIGHT.home, 4), rows(AWAY, 4))
    world.apply_object_force(torch.tensor([[0.0, 1.0, 0.0]]).repeat(4, 1))
    world.step(10)
    expected = torch.tensor([2.0, 2.0, 1.25, 1.25])
    assert torch.allclose(world.object_velocity()[:, 1], expected, rtol=0.01)


def test_a_world_without_an_object(engine, world_of: WorldOf) -> None:
    world = world_of(engine, objects=())
    world.step(3)
    assert world.object_pose().isnan().all()
    assert world.object_velocity().shape == (4, 6)
    assert world.contacts(0).shape == (0, 6)
    world.check()


def test_returned_tensors_are_copies(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    kept = [
        (read, read(), read().clone())
        for read in (
            world.joint_position,
            world.joint_velocity,
            world.targets,
            world.object_pose,
            world.object_velocity,
            world.tip_position,
            world.tip_force,
        )
    ]
    world.set_targets(rows(RIGHT.grasp, 4))
    world.step(30)
    assert all(torch.equal(first, copy) for _, first, copy in kept)
    position = world.joint_position()
    position.fill_(7.0)
    assert not torch.equal(world.joint_position(), position)


def test_the_same_run_twice_is_bit_identical(engine, world_of: WorldOf) -> None:
    runs = []
    for _ in range(2):
        world = world_of(engine)
        world.set_targets(rows(RIGHT.grasp, 4))
        world.step(100)
        runs.append(torch.cat((world.joint_position(), world.object_pose()), dim=1))
    assert torch.equal(*runs)
    assert torch.equal(runs[0][0], runs[0][3])


def test_a_diverged_environment_is_named(engine, world_of: WorldOf) -> None:
    world = world_of(engine)
    world.check()
    bad = rows(RIGHT.home, 1)
    bad[0, 2] = float("nan")
    world.reset(bad, ids=[2])
    assert world.finite().tolist() == [True, True, False, True]
    with pytest.raises(SimulationError, match=r"environment 2; its last sound state was joints"):
        world.check()
    world.reset(rows(RIGHT.home, 1), rows(AWAY, 1), ids=[2])
    world.step(2)
    assert world.finite().all()


def _product(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    w, v = first[0], first[1:]
    x, u = second[0], second[1:]
    return torch.cat(((w * x - v @ u)[None], w * u + x * v + torch.linalg.cross(v, u)))
