"""Guesses by contact: points on the surface that pass the net-force test, fingers put on them.

Source: DexterityGen (arXiv 2502.04307), algorithms 3 and 4. How fingers are assigned to points is
not told there: here the thumb takes part, and of all assignments the nearest one is reached by
inverse kinematics. The forces of the test become a squeeze of the joint targets.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch

from dexgen_app.learn.rotations import conjugate, random_quaternions, rotate
from dexgen_app.spec import HandSpec, ObjectSpec
from dexgen_skill_anygrasp.grasps.net_force import smallest_net_force
from dexgen_skill_anygrasp.grasps.reach import TipReach
from dexgen_skill_anygrasp.grasps.settle import Guesses
from dexgen_skill_anygrasp.grasps.surface import sample_surface


@dataclass(frozen=True, kw_only=True)
class HeuristicOptions:
    """How guesses by contact are drawn.

    Attributes:
        threshold: Largest net force of a stable grasp, over its largest contact force.
        oversample: Contact sets that are drawn for each guess wanted.
        position_spread: Standard deviation of the object's position round the grasp centre [m].
        reach_error: Largest distance of a tip from its contact [m].
        force: Largest squeeze [N].
        stiffness: Proportional gain of the joints [N m/rad].
        joint_spread: Spread of the poses in which inverse kinematics starts [rad].
    """

    threshold: float = 0.35
    oversample: int = 12
    position_spread: float = 0.012
    reach_error: float = 0.006
    force: float = 3.0
    stiffness: float = 3.0
    joint_spread: float = 0.2


def draw_contact_guesses(
    hand: HandSpec,
    item: ObjectSpec,
    reach: TipReach,
    count: int,
    options: HeuristicOptions,
    generator: torch.Generator,
) -> Guesses:
    """Draw guesses; fewer than ``count`` where fingers do not reach.

    Args:
        hand: The hand.
        item: The object.
        reach: Its inverse kinematics.
        count: Largest number of guesses.
        options: How they are drawn.
        generator: Source of randomness.
    """
    fingers = len(hand.fingers)
    total = count * options.oversample
    points, normals, valid, forces = _contact_sets(item, total, fingers, options, generator)
    total = len(points)
    if total == 0:
        return Guesses(
            joints=torch.zeros(0, hand.joint_count),
            targets=torch.zeros(0, hand.joint_count),
            object_pose=torch.zeros(0, 7),
        )
    orientation = random_quaternions(total, generator)
    position = torch.tensor(hand.grasp_center) + options.position_spread * torch.randn(
        total, 3, generator=generator
    )
    lower, upper = torch.tensor(hand.limits, dtype=torch.float32)
    spread = 2.0 * torch.rand(total, hand.joint_count, generator=generator) - 1.0
    start = torch.clamp(torch.tensor(hand.grasp) + options.joint_spread * spread, lower, upper)
    world_points = position[:, None] + rotate(orientation[:, None], points)
    world_normals = rotate(orientation[:, None].expand(-1, points.shape[1], -1), normals)
    tips = reach.tips(start)
    order, cost = _assign(tips, world_points, valid, _thumb(hand))
    nearest = torch.argsort(cost)[:count]
    wanted, goal, push = _by_finger(
        order[nearest],
        world_points[nearest],
        world_normals[nearest],
        forces[nearest],
        valid[nearest],
    )
    joints, error = reach.solve(start[nearest], goal, wanted)
    reached = error < options.reach_error
    strength = options.force * (0.3 + 0.7 * torch.rand(len(nearest), 1, 1, generator=generator))
    targets = reach.squeeze(joints, strength * push, options.stiffness)
    pose = torch.cat((position[nearest], orientation[nearest]), dim=-1)
    return Guesses(joints=joints[reached], targets=targets[reached], object_pose=pose[reached])


def _contact_sets(
    item: ObjectSpec,
    count: int,
    fingers: int,
    options: HeuristicOptions,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw sets of 2 to 4 surface points and keep those that pass the net-force test.

    Returns:
        Points and normals in the object's frame (m, F, 3), which of them exist (m, F), and their
        forces (m, F).
    """
    sizes = torch.randint(2, min(4, fingers) + 1, (count, 1), generator=generator)
    valid = torch.arange(fingers)[None] < sizes
    points, normals = sample_surface(item, count * fingers, generator)
    points, normals = points.reshape(count, fingers, 3), normals.reshape(count, fingers, 3)
    net, forces = smallest_net_force(normals, valid)
    stable = net < options.threshold
    return points[stable], normals[stable], valid[stable], forces[stable]


def _thumb(hand: HandSpec) -> int:
    names = [finger.name for finger in hand.fingers]
    return names.index("thumb") if "thumb" in names else len(names) - 1


def _assign(
    tips: torch.Tensor, points: torch.Tensor, valid: torch.Tensor, thumb: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which point each finger takes (m, F), and the summed distance (m,).

    Points beyond ``valid`` stand for no contact; every assignment gives the thumb a contact.
    """
    count, fingers, _ = tips.shape
    distance = torch.cdist(tips, points) * valid[:, None].float()
    best = torch.full((count,), torch.inf)
    order = torch.zeros(count, fingers, dtype=torch.long)
    rows = torch.arange(fingers)
    for permutation in itertools.permutations(range(fingers)):
        columns = torch.tensor(permutation)
        cost = distance[:, rows, columns].sum(-1)
        cost = torch.where(valid[:, columns[thumb]], cost, torch.inf)
        better = cost < best
        best = torch.where(better, cost, best)
        order = torch.where(better[:, None], columns, order)
    # The mean: sets of two contacts must not win only because they have fewer distances.
    return order, best / valid.sum(-1)


def _by_finger(
    order: torch.Tensor,
    points: torch.Tensor,
    normals: torch.Tensor,
    forces: torch.Tensor,
    valid: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return by finger: whether it has a contact, its point, and the inward push (m, F, 3)."""
    wanted = valid.gather(1, order)
    index = order[..., None].expand(-1, -1, 3)
    force = forces.gather(1, order)[..., None]
    return wanted, points.gather(1, index), -force * normals.gather(1, index)


def to_object_frame(points: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
    """Return points (n, k, 3) of the hand frame in the frames of objects at ``pose`` (n, 7)."""
    turn = conjugate(pose[:, None, 3:]).expand(-1, points.shape[1], -1)
    return rotate(turn, points - pose[:, None, :3])
