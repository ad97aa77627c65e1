"""The physics that turns guesses into verified grasps.

A guess is let fall into place under one direction of gravity and must come to rest among the
fingertips, away from the palm, and between them: where they touch it on the palm's side of its
centre, any firmer grip would push it out of the hand. What rests is then shaken: gravity points
in each of six directions for a while, and the grasp is marked with the directions that it
survives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from dexgen_app.sim.grasps import grip
from dexgen_app.sim.world import World
from dexgen_app.spec import GRAVITY_DIRECTIONS


@dataclass(frozen=True, kw_only=True)
class SettleOptions:
    """When a guess becomes a grasp.

    Attributes:
        settle_seconds: Time in which a guess comes to rest [s].
        shake_seconds: Time under each further direction of gravity [s].
        largest_speed: Largest speed of an object at rest [m/s].
        largest_turn: Largest angular speed of an object at rest [rad/s].
        largest_offset: Largest distance of the object from the grasp centre [m].
        largest_slip: Largest motion of the object under another direction of gravity [m].
        contact_force: Smallest force of a touching tip [N].
        contacts: Smallest number of touching tips.
        lowest_tips: Smallest height of the touching tips, as ``grip`` returns it [m].
    """

    settle_seconds: float = 2.0
    shake_seconds: float = 1.0
    largest_speed: float = 0.015
    largest_turn: float = 0.15
    largest_offset: float = 0.035
    largest_slip: float = 0.015
    contact_force: float = 0.05
    contacts: int = 2
    lowest_tips: float = -0.01


@dataclass(frozen=True, eq=False, kw_only=True)
class Guesses:
    """Grasps that nothing is known of yet: joints and targets (n, J), object poses (n, 7)."""

    joints: torch.Tensor
    targets: torch.Tensor
    object_pose: torch.Tensor

    def __len__(self) -> int:
        return int(self.joints.shape[0])

    def first(self, count: int) -> Guesses:
        """Return the first ``count`` guesses, or all if there are fewer."""
        return Guesses(
            joints=self.joints[:count],
            targets=self.targets[:count],
            object_pose=self.object_pose[:count],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Settled:
    """What came to rest: the state, and which gravity directions it survives, (n, 6) bool."""

    joints: torch.Tensor
    targets: torch.Tensor
    object_pose: torch.Tensor
    holds: torch.Tensor


def join_settled(parts: Sequence[Settled]) -> Settled:
    """Return the grasps of several batches as one."""
    return Settled(
        joints=torch.cat([part.joints for part in parts]),
        targets=torch.cat([part.targets for part in parts]),
        object_pose=torch.cat([part.object_pose for part in parts]),
        holds=torch.cat([part.holds for part in parts]),
    )


def settle_guesses(
    world: World, guesses: Guesses, direction: int, options: SettleOptions
) -> Settled:
    """Let guesses fall into place and shake what comes to rest.

    Args:
        world: A world of at least as many environments as there are guesses; its last state is
            lost.
        guesses: The guesses.
        direction: Index into ``GRAVITY_DIRECTIONS`` of gravity while they settle.
        options: When a guess becomes a grasp.

    Returns:
        The grasps that came to rest.
    """
    n, total = len(guesses), world.options.environments
    vectors = torch.tensor(list(GRAVITY_DIRECTIONS.values()))
    steps = max(1, round(options.settle_seconds / world.options.physics.dt))
    _place(world, guesses.joints, guesses.targets, guesses.object_pose)
    world.set_gravity(vectors[direction].expand(total, 3))
    world.step(steps)
    rests = _at_rest(world, options)[:n]
    joints, pose = world.joint_position()[:n], world.object_pose()[:n]
    rows = torch.nonzero(rests).squeeze(-1)
    grasps = Settled(
        joints=joints[rows],
        targets=guesses.targets[rows],
        object_pose=pose[rows],
        holds=torch.zeros(len(rows), len(vectors), dtype=torch.bool),
    )
    if len(rows):
        for other in range(len(vectors)):
            grasps.holds[:, other] = survive(world, grasps, other, options)
    return grasps


def survive(world: World, grasps: Settled, direction: int, options: SettleOptions) -> torch.Tensor:
    """Return which grasps keep their object under a direction of gravity, shape (n,)."""
    n, total = len(grasps.joints), world.options.environments
    vectors = torch.tensor(list(GRAVITY_DIRECTIONS.values()))
    _place(world, grasps.joints, grasps.targets, grasps.object_pose)
    world.set_gravity(vectors[direction].expand(total, 3))
    world.step(max(1, round(options.shake_seconds / world.options.physics.dt)))
    moved = world.object_pose()[:n, :3] - grasps.object_pose[:, :3]
    slip = torch.linalg.vector_norm(moved, dim=-1)
    slow = torch.linalg.vector_norm(world.object_velocity()[:n, :3], dim=-1)
    kept = (slip < options.largest_slip) & (slow < 4.0 * options.largest_speed)
    return kept & torch.isfinite(slip)


def _place(world: World, joints: torch.Tensor, targets: torch.Tensor, pose: torch.Tensor) -> None:
    """Fill every environment, repeating the last state where there are too few."""
    total = world.options.environments
    rows = torch.arange(total).clamp(max=len(joints) - 1)
    world.reset(joints[rows], pose[rows], targets[rows])


def _at_rest(world: World, options: SettleOptions) -> torch.Tensor:
    pose, twist = world.object_pose(), world.object_velocity()
    center = torch.tensor(world.options.hand.grasp_center)
    offset = torch.linalg.vector_norm(pose[:, :3] - center, dim=-1)
    slow = torch.linalg.vector_norm(twist[:, :3], dim=-1) < options.largest_speed
    still = torch.linalg.vector_norm(twist[:, 3:], dim=-1) < options.largest_turn
    count, height = grip(world, options.contact_force)
    finite = torch.isfinite(pose).all(-1) & torch.isfinite(twist).all(-1)
    gripped = (count >= options.contacts) & (height >= options.lowest_tips)
    return finite & (offset < options.largest_offset) & slow & still & gripped
