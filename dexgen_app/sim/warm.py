"""Fills the caches with all that the application's option set compiles, ahead of the first use."""

from __future__ import annotations

from collections.abc import Callable

import torch

from dexgen_app.sim.cache import is_marked, mark
from dexgen_app.sim.driver import START_GRASPS
from dexgen_app.sim.grasps import find_grasps
from dexgen_app.sim.world import PhysicsOptions, World, WorldOptions, make_world
from dexgen_app.spec import HandSpec, ObjectSpec

Report = Callable[[str], None]

_CUBE = ObjectSpec()
_SHAPES = (
    _CUBE,
    ObjectSpec(shape="sphere"),
    ObjectSpec(shape="cylinder"),
    ObjectSpec(shape="capsule", size=(0.05, 0.05, 0.08)),
    ObjectSpec(shape="box", size=(0.05, 0.06, 0.07)),
)


def warm_grasps(hand: HandSpec, report: Report) -> None:
    """Search the grasps that a session with this hand starts from."""
    report(f"searching for starting grasps of {hand.id}")
    find_grasps(hand, _CUBE, START_GRASPS)


def warm_genesis(hand: HandSpec, report: Report, *, force: bool = False) -> bool:
    """Compile every kernel that the application, training and the tests use.

    Args:
        hand: Any hand: the kernels do not depend on it.
        report: Called with what is being done.
        force: Do it even if it was done before.

    Returns:
        False if the caches were warm already.

    Raises:
        SimulationError: Genesis cannot be started.
    """
    if is_marked("warm") and not force:
        return False
    single = PhysicsOptions(substeps=1)
    scenes = (
        ("a hand with a cube", WorldOptions(hand=hand, objects=(_CUBE,))),
        ("an empty hand", WorldOptions(hand=hand)),
        ("five shapes at once", WorldOptions(hand=hand, objects=_SHAPES, environments=5)),
        (
            "a training batch",
            WorldOptions(hand=hand, objects=(_CUBE,), environments=2, physics=single),
        ),
    )
    report("importing Genesis")
    for title, options in scenes:
        report(f"compiling {title}")
        world = make_world("genesis", options)
        exercise(world)
        world.close()
    mark("built")
    mark("warm")
    return True


def exercise(world: World) -> None:
    """Call everything that a world can do once."""
    n, hand = world.options.environments, world.options.hand
    ones = torch.ones(n, device=world.device)
    grasp = torch.tensor(hand.grasp, device=world.device).repeat(n, 1)
    world.set_friction(ones, ones)
    world.set_object_mass(0.05 * ones)
    world.set_gains(*world.gains())
    world.set_gravity(torch.tensor([[-1.0, 0.0, 0.0]], device=world.device).repeat(n, 1))
    pose = torch.tensor([[*hand.grasp_center, 1.0, 0.0, 0.0, 0.0]], device=world.device)
    world.reset(grasp[:1], pose, ids=[0])
    world.reset(grasp, pose.repeat(n, 1))
    world.apply_object_force(torch.zeros(n, 3, device=world.device))
    world.step(20)
    world.set_targets(grasp + 0.1)
    world.step(20)
    for read in (
        world.joint_effort,
        world.object_pose,
        world.object_velocity,
        world.tip_position,
        world.tip_force,
        world.contacts,
        world.check,
    ):
        read()
