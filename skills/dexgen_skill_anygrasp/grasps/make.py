"""Makes a grasp set: guesses of several kinds, settled in batches until there are enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import torch

from dexgen_app.errors import SimulationError
from dexgen_app.learn.grasp_set import GraspSet, options_hash
from dexgen_app.sim.world import Engine, PhysicsOptions, World, WorldOptions, make_world
from dexgen_app.spec import GRAVITY_DIRECTIONS, HandSpec, ObjectSpec
from dexgen_skill_anygrasp.grasps.drop_in import DropInOptions, draw_drop_ins
from dexgen_skill_anygrasp.grasps.settle import Guesses, Settled, SettleOptions, settle_guesses

Source = Callable[[int, torch.Generator], Guesses]


@dataclass(frozen=True, kw_only=True)
class MakeOptions:
    """How a grasp set is made.

    Attributes:
        count: Number of grasps wanted.
        batch: Number of guesses that are settled together.
        largest_batches: Number of batches after which it is given up.
        physics: Physics settings.
        drop_in: Guesses by dropping.
        settle: When a guess becomes a grasp.
    """

    count: int = 4000
    batch: int = 256
    largest_batches: int = 400
    physics: PhysicsOptions = field(default_factory=lambda: PhysicsOptions(substeps=1))
    drop_in: DropInOptions = field(default_factory=DropInOptions)
    settle: SettleOptions = field(default_factory=SettleOptions)


def make_grasps(
    hand: HandSpec,
    item: ObjectSpec,
    options: MakeOptions,
    *,
    engine: Engine = "mujoco",
    seed: int = 0,
    report: Callable[[int, int, float], None] = lambda found, tried, rate: None,
) -> GraspSet:
    """Make a grasp set.

    Args:
        hand: The hand.
        item: The object.
        options: How it is made.
        engine: The simulator that verifies the grasps.
        seed: Seed of everything random.
        report: Told after each batch: grasps found, guesses tried, grasps a second.

    Returns:
        At least ``options.count`` grasps.

    Raises:
        SimulationError: Too few guesses come to rest.
    """
    generator = torch.Generator().manual_seed(seed)
    world = make_world(
        engine,
        WorldOptions(
            hand=hand,
            objects=(item,),
            environments=options.batch,
            physics=options.physics,
            seed=seed,
        ),
    )
    start = time.monotonic_ns()
    found: list[Settled] = []
    kept, tried = 0, 0
    try:
        for _ in range(options.largest_batches):
            guesses = draw_drop_ins(hand, options.batch, options.drop_in, generator)
            settled = _settle(world, guesses, options.settle)
            found.append(settled)
            kept += len(settled.joints)
            tried += len(guesses)
            seconds = 1e-9 * (time.monotonic_ns() - start)
            report(kept, tried, kept / seconds)
            if kept >= options.count:
                break
        else:
            raise SimulationError(
                f"only {kept} of {tried} guesses became grasps of {item.shape} {item.size}",
                where=hand.id,
                remedy="Try another size; an object of 4 to 8 cm suits most hands",
            )
    finally:
        world.close()
    plain = asdict(options)
    return GraspSet(
        hand=hand.id,
        joint_names=hand.joint_names,
        object=item,
        joints=torch.cat([s.joints for s in found]),
        targets=torch.cat([s.targets for s in found]),
        object_pose=torch.cat([s.object_pose for s in found]),
        holds=torch.cat([s.holds for s in found]),
        info={
            "engine": engine,
            "seed": seed,
            "options": plain,
            "options_hash": options_hash(plain),
            "tried": tried,
            "seconds": 1e-9 * (time.monotonic_ns() - start),
        },
    )


def _settle(world: World, guesses: Guesses, options: SettleOptions) -> Settled:
    palm_up = list(GRAVITY_DIRECTIONS).index("palm_up")
    return settle_guesses(world, guesses, palm_up, options)
