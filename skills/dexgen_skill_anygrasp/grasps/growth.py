"""Growth of a grasp set like a rapidly exploring random tree in joints and object pose.

Source: DexterityGen (arXiv 2502.04307), algorithm 5: draw a random state, take its nearest grasp,
go a step towards the state, repair the contacts. Steps and repair are not told there: here the
tips that touched are put back onto the surface by inverse kinematics, and the physics settles
the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dexgen_app.learn.goals import GoalOptions, grasp_distance
from dexgen_app.learn.rotations import (
    conjugate,
    from_rotation_vector,
    multiply,
    random_quaternions,
    rotate,
    to_rotation_vector,
)
from dexgen_app.spec import HandSpec, ObjectSpec
from dexgen_skill_anygrasp.grasps.heuristic import to_object_frame
from dexgen_skill_anygrasp.grasps.reach import TipReach
from dexgen_skill_anygrasp.grasps.settle import Guesses, Settled
from dexgen_skill_anygrasp.grasps.surface import project_to_surface


@dataclass(frozen=True, kw_only=True)
class GrowthOptions:
    """How a grasp set grows.

    Attributes:
        step: Largest step towards the random state, in the distance of ``GoalOptions``.
        candidates: Grasps among which the nearest one is sought.
        position_spread: Standard deviation of a random state's object position [m].
        joint_spread: Largest distance of its joints from the canonical grasp [rad].
        touch: Tips nearer to the surface than this are put back onto it [m].
    """

    step: float = 0.5
    candidates: int = 2000
    position_spread: float = 0.02
    joint_spread: float = 0.5
    touch: float = 0.012


def grow_guesses(
    hand: HandSpec,
    item: ObjectSpec,
    reach: TipReach,
    grasps: Settled,
    count: int,
    options: GrowthOptions,
    generator: torch.Generator,
) -> Guesses:
    """Draw guesses one step away from known grasps.

    Args:
        hand: The hand.
        item: The object.
        reach: The hand's inverse kinematics.
        grasps: The known grasps; at least one.
        count: Number of guesses.
        options: How far they go.
        generator: Source of randomness.
    """
    lower, upper = torch.tensor(hand.limits, dtype=torch.float32)
    spread = 2.0 * torch.rand(count, hand.joint_count, generator=generator) - 1.0
    joints = torch.clamp(torch.tensor(hand.grasp) + options.joint_spread * spread, lower, upper)
    position = torch.tensor(hand.grasp_center) + options.position_spread * torch.randn(
        count, 3, generator=generator
    )
    pose = torch.cat((position, random_quaternions(count, generator)), dim=-1)
    some = torch.randint(len(grasps.joints), (options.candidates,), generator=generator)
    distance = grasp_distance(
        pose, joints, grasps.object_pose[some], grasps.joints[some], GoalOptions()
    )
    nearest, column = distance.min(dim=-1)
    parents = some[column]
    share = (options.step / nearest.clamp_min(1e-6)).clamp(max=1.0)[:, None]
    share = share * (0.3 + 0.7 * torch.rand(count, 1, generator=generator))
    return _step(reach, item, grasps, parents, joints, pose, share, options)


def _step(
    reach: TipReach,
    item: ObjectSpec,
    grasps: Settled,
    parents: torch.Tensor,
    joints: torch.Tensor,
    pose: torch.Tensor,
    share: torch.Tensor,
    options: GrowthOptions,
) -> Guesses:
    old_joints, old_pose = grasps.joints[parents], grasps.object_pose[parents]
    turn = to_rotation_vector(multiply(pose[:, 3:], conjugate(old_pose[:, 3:])))
    new_pose = torch.cat(
        (
            old_pose[:, :3] + share * (pose[:, :3] - old_pose[:, :3]),
            multiply(from_rotation_vector(share * turn), old_pose[:, 3:]),
        ),
        dim=-1,
    )
    new_joints = old_joints + share * (joints - old_joints)
    before = to_object_frame(reach.tips(old_joints), old_pose)
    touched = torch.linalg.vector_norm(project_to_surface(item, before)[0] - before, dim=-1)
    wanted = touched < options.touch
    after = to_object_frame(reach.tips(new_joints), new_pose)
    surface = project_to_surface(item, after)[0]
    turned = new_pose[:, None, 3:].expand(-1, surface.shape[1], -1)
    goal = new_pose[:, None, :3] + rotate(turned, surface)
    new_joints, _ = reach.solve(new_joints, goal, wanted, rounds=6)
    squeeze = grasps.targets[parents] - old_joints
    return Guesses(joints=new_joints, targets=new_joints + squeeze, object_pose=new_pose)
