"""Goals that lead an object round: each next one is ahead by an angle about the axis.

AnyRotate (arXiv 2405.07391) learned rotation from goals that move ahead of the object. Here a goal
is a whole grasp, so that it also says where the fingers should be: those of the start, or of a
near verified grasp. Equivalent orientations of a symmetric object count as one, which closes the
circle: a cube needs grasps of a quarter turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.goals import GraspGoals
from dexgen_app.learn.rotations import (
    conjugate,
    from_rotation_vector,
    multiply,
    rotate,
)
from dexgen_app.learn.symmetry import nearest_equivalent
from dexgen_app.spec import GRAVITY_DIRECTIONS


def level(orientation: torch.Tensor, axis: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn objects so that one of their axes lies along an axis, by the smallest angle.

    Args:
        orientation: Unit quaternions, shape (n, 4).
        axis: Unit vectors, shape (n, 3).

    Returns:
        The orientations, shape (n, 4), and the angles that they were turned by, shape (n,).
    """
    body = torch.stack(
        [rotate(orientation, unit.expand(len(orientation), 3)) for unit in torch.eye(3)], 1
    )
    along = (body * axis[:, None]).sum(-1)
    best = along.abs().argmax(-1)
    rows = torch.arange(len(orientation))
    vector = body[rows, best] * along[rows, best].sign()[:, None]
    cross = torch.linalg.cross(vector, axis)
    sine = torch.linalg.vector_norm(cross, dim=-1, keepdim=True)
    angle = torch.atan2(sine[:, 0], (vector * axis).sum(-1))
    turn = cross / sine.clamp_min(1e-9) * angle[:, None]
    return multiply(from_rotation_vector(turn), orientation), angle


def split(vector: torch.Tensor, axis: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the parts of vectors along unit axes and the lengths of the rest, shape (n,) each."""
    along = (vector * axis).sum(-1)
    return along, torch.linalg.vector_norm(vector - along[:, None] * axis, dim=-1)


def ahead(orientation: torch.Tensor, axis: torch.Tensor, lead: torch.Tensor) -> torch.Tensor:
    """Make objects level with an axis and turn them on.

    Args:
        orientation: Unit quaternions, shape (n, 4).
        axis: Unit vectors, shape (n, 3).
        lead: Rotation vectors by which they are turned on [rad], shape (n, 3).

    Returns:
        The orientations, shape (n, 4).
    """
    return multiply(from_rotation_vector(lead), level(orientation, axis)[0])


@dataclass(frozen=True, eq=False, kw_only=True)
class NextGrasp:
    """Goals of some environments.

    Attributes:
        rows: Rows of the grasp arrays, shape (n,).
        orientation: The goal orientation: that of the row, turned to the equivalent one that is
            nearest to the object's, shape (n, 4).
    """

    rows: torch.Tensor
    orientation: torch.Tensor


class RotationGoals:
    """Chooses starts and next grasps among those that are level with an axis.

    Args:
        goals: All grasps.
        axes: Unit axes, shape (A, 3).
        turns: Rotations of each object onto itself, shape (objects, 24, 4).
        tilt: Largest tilt of a grasp's object [rad].
        generator: Source of randomness.
    """

    def __init__(
        self,
        goals: GraspGoals,
        axes: torch.Tensor,
        turns: torch.Tensor,
        tilt: float,
        generator: torch.Generator,
    ) -> None:
        self._goals, self._turns, self._generator = goals, turns, generator
        self._pools: dict[tuple[int, int], torch.Tensor] = {}
        for owner in range(len(turns)):
            for index, axis in enumerate(axes):
                rows = torch.nonzero(goals.owner == owner).squeeze(-1)
                orientation = goals.pose[rows, 3:]
                tilted = level(orientation, axis.expand(len(rows), 3))[1]
                self._pools[owner, index] = rows[tilted < tilt]

    def pool(self, owner: int, axis: int, direction: int) -> torch.Tensor:
        """Return the rows of an object's grasps that are level and survive a direction.

        Raises:
            InputError: There is none.
        """
        rows = self._pools[owner, axis]
        rows = rows[self._goals.holds[rows, direction]]
        if not len(rows):
            raise InputError(
                f"no grasp of object {owner} is level with axis {axis} and survives "
                f"gravity {list(GRAVITY_DIRECTIONS)[direction]}",
                where="axes",
                remedy="Make more grasps, or allow more with `--set start_tilt`",
            )
        return rows

    def choose(
        self,
        pool: torch.Tensor,
        owner: int,
        axis: torch.Tensor,
        pose: torch.Tensor,
        joints: torch.Tensor,
        lead: float,
        recentre: float,
    ) -> NextGrasp:
        """Choose grasps near to the present ones, with the object turned ahead.

        Drawn from the ``GoalOptions.neighbours`` nearest.

        Args:
            pool: Rows to choose from, shape (m,).
            owner: Index of the object.
            axis: Unit axis, shape (3,).
            pose: Object poses, shape (n, 7).
            joints: Joint positions [rad], shape (n, J).
            lead: Angle ahead [rad].
            recentre: Share of the way to the middle of the pool by which the object should move.
        """
        goals, options = self._goals, self._goals.options
        n = len(pose)
        axes = axis.expand(n, 3)
        wanted = ahead(pose[:, 3:], axes, lead * axes)
        # The angle to the nearest equivalent of each grasp, turning the wish instead of the grasps.
        wishes = multiply(wanted[:, None], conjugate(self._turns[owner]))
        likeness = (wishes.flatten(0, 1) @ goals.pose[pool, 3:].T).abs().view(n, -1, len(pool))
        middle = goals.pose[pool, :3].mean(0)
        position = pose[:, :3] + recentre * (middle - pose[:, :3])
        score = (
            options.position_weight * torch.cdist(position, goals.pose[pool, :3])
            + options.joint_weight * torch.cdist(joints, goals.joints[pool])
            + options.angle_weight * 2.0 * torch.acos(likeness.amax(1).clamp(max=1.0))
        )
        count = min(options.neighbours, len(pool))
        nearest = torch.topk(score, count, largest=False).indices
        pick = torch.randint(count, (n, 1), generator=self._generator)
        rows = pool[nearest.gather(1, pick).squeeze(1)]
        turns = self._turns[owner].expand(n, -1, 4)
        return NextGrasp(
            rows=rows, orientation=nearest_equivalent(goals.pose[rows, 3:], turns, wanted)
        )
