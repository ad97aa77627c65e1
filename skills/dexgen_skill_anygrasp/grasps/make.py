"""Makes a grasp set: seeds by dropping and by contacts, growth, all of it verified in physics."""

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
from dexgen_skill_anygrasp.grasps.growth import GrowthOptions, grow_guesses
from dexgen_skill_anygrasp.grasps.heuristic import HeuristicOptions, draw_contact_guesses
from dexgen_skill_anygrasp.grasps.reach import TipReach
from dexgen_skill_anygrasp.grasps.settle import (
    Guesses,
    Settled,
    SettleOptions,
    join_settled,
    settle_guesses,
)


@dataclass(frozen=True, kw_only=True)
class MakeOptions:
    """How a grasp set is made.

    Attributes:
        count: Number of grasps wanted.
        batch: Number of guesses that are settled together.
        largest_batches: Number of batches after which it is given up.
        seed_share: Share of the grasps that are found without growth.
        physics: Physics settings.
        drop_in: Guesses by dropping.
        heuristic: Guesses by contact.
        growth: Growth.
        settle: When a guess becomes a grasp.
    """

    count: int = 4000
    batch: int = 256
    largest_batches: int = 400
    seed_share: float = 0.15
    physics: PhysicsOptions = field(default_factory=lambda: PhysicsOptions(substeps=1))
    drop_in: DropInOptions = field(default_factory=DropInOptions)
    heuristic: HeuristicOptions = field(default_factory=HeuristicOptions)
    growth: GrowthOptions = field(default_factory=GrowthOptions)
    settle: SettleOptions = field(default_factory=SettleOptions)


@dataclass(frozen=True, kw_only=True)
class MakeReport:
    """Where the making of a set stands: grasps found, guesses tried, seconds that it took."""

    found: int
    tried: int
    seconds: float
    kind: str


def make_grasps(
    hand: HandSpec,
    item: ObjectSpec,
    options: MakeOptions,
    *,
    engine: Engine = "mujoco",
    seed: int = 0,
    report: Callable[[MakeReport], None] = lambda state: None,
) -> GraspSet:
    """Make a grasp set.

    Args:
        hand: The hand.
        item: The object.
        options: How it is made.
        engine: The simulator that verifies the grasps.
        seed: Seed of everything random.
        report: Told after each batch.

    Returns:
        At least ``options.count`` grasps.

    Raises:
        SimulationError: Too few guesses come to rest.
    """
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
    maker = _Maker(hand, item, options, world, torch.Generator().manual_seed(seed))
    try:
        while maker.found < options.count:
            if maker.batches >= options.largest_batches:
                raise SimulationError(
                    f"only {maker.found} of {maker.tried} guesses became grasps of "
                    f"{item.shape} {item.size}",
                    where=hand.id,
                    remedy="Try another size; an object of 4 to 8 cm suits most hands",
                )
            kind = maker.run_batch()
            report(
                MakeReport(found=maker.found, tried=maker.tried, seconds=maker.seconds, kind=kind)
            )
    finally:
        world.close()
    grasps = maker.grasps
    plain = asdict(options)
    return GraspSet(
        hand=hand.id,
        joint_names=hand.joint_names,
        object=item,
        joints=grasps.joints,
        targets=grasps.targets,
        object_pose=grasps.object_pose,
        holds=grasps.holds,
        info={
            "engine": engine,
            "seed": seed,
            "options": plain,
            "options_hash": options_hash(plain),
            "tried": maker.tried,
            "seconds": maker.seconds,
            "by_kind": maker.by_kind,
        },
    )


class _Maker:
    """Draws, settles and collects batches of guesses."""

    def __init__(
        self,
        hand: HandSpec,
        item: ObjectSpec,
        options: MakeOptions,
        world: World,
        generator: torch.Generator,
    ) -> None:
        self._hand, self._item, self._options = hand, item, options
        self._world, self._generator = world, generator
        self._reach = TipReach(hand)
        self._parts: list[Settled] = []
        self._start = time.monotonic_ns()
        self.by_kind: dict[str, int] = {}
        self.batches, self.tried, self.found = 0, 0, 0

    @property
    def seconds(self) -> float:
        """Time since the start [s]."""
        return 1e-9 * (time.monotonic_ns() - self._start)

    @property
    def grasps(self) -> Settled:
        """What was found so far."""
        return join_settled(self._parts)

    def run_batch(self) -> str:
        """Settle one batch and return what kind of guesses it had."""
        kind, guesses = self._draw()
        self.batches += 1
        if not len(guesses):
            return kind
        # Half of the batches come to rest with the palm up, the others in every direction.
        half, rest = divmod(self.batches, 2)
        direction = 0 if rest == 0 else half % len(GRAVITY_DIRECTIONS)
        settled = settle_guesses(self._world, guesses, direction, self._options.settle)
        self._parts.append(settled)
        self.tried += len(guesses)
        self.found += len(settled.joints)
        self.by_kind[kind] = self.by_kind.get(kind, 0) + len(settled.joints)
        return kind

    def _draw(self) -> tuple[str, Guesses]:
        hand, item, options = self._hand, self._item, self._options
        batch, generator = options.batch, self._generator
        if self.found > 0 and self.found >= options.seed_share * options.count:
            grown = grow_guesses(
                hand, item, self._reach, self.grasps, batch, options.growth, generator
            )
            return "growth", grown
        if self.batches % 2:
            # About a quarter of the contact sets can be reached.
            guesses = draw_contact_guesses(
                hand, item, self._reach, 4 * batch, options.heuristic, generator
            )
            return "contacts", guesses.first(batch)
        return "drop", draw_drop_ins(hand, batch, options.drop_in, generator)
