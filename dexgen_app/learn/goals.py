"""The graph of near grasps, from which starts and goals are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.rotations import angle_between


@dataclass(frozen=True, kw_only=True)
class GoalOptions:
    """How goals are drawn and when they are reached.

    Attributes:
        candidates: Size of the random subset in which neighbours are sought.
        neighbours: A goal is one of this many nearest candidates.
        position_weight: Weight of a distance between object positions [1/m].
        angle_weight: Weight of an angle between object orientations [1/rad].
        joint_weight: Weight of the norm of a difference of joint positions [1/rad].
        position_tolerance: Distance of object positions at which a goal is reached [m].
        angle_tolerance: Angle between orientations at which a goal is reached [rad].
    """

    candidates: int = 8000
    neighbours: int = 10
    position_weight: float = 15.0
    angle_weight: float = 0.7
    joint_weight: float = 0.7
    position_tolerance: float = 0.012
    angle_tolerance: float = 0.25


def grasp_distance(
    pose: torch.Tensor,
    joints: torch.Tensor,
    other_pose: torch.Tensor,
    other_joints: torch.Tensor,
    options: GoalOptions,
) -> torch.Tensor:
    """Return the distance between each grasp and each other grasp.

    Args:
        pose: Object poses, shape (n, 7).
        joints: Joint positions [rad], shape (n, J).
        other_pose: Object poses, shape (m, 7).
        other_joints: Joint positions [rad], shape (m, J).
        options: The weights.

    Returns:
        Weighted sum of distance, angle and joint difference, shape (n, m).
    """
    position = torch.cdist(pose[:, :3], other_pose[:, :3])
    angle = angle_between(pose[:, None, 3:], other_pose[None, :, 3:])
    joint = torch.cdist(joints, other_joints)
    return (
        options.position_weight * position
        + options.angle_weight * angle
        + options.joint_weight * joint
    )


class GraspGoals:
    """Draws start grasps and near goals for a batch of environments.

    Args:
        sets: One grasp set an object.
        options: How goals are drawn.
        generator: Source of randomness.
    """

    def __init__(
        self, sets: Sequence[GraspSet], options: GoalOptions, generator: torch.Generator
    ) -> None:
        self.options = options
        device = generator.device
        self.joints = torch.cat([s.joints for s in sets]).to(device)
        self.targets = torch.cat([s.targets for s in sets]).to(device)
        self.pose = torch.cat([s.object_pose for s in sets]).to(device)
        self.holds = torch.cat([s.holds for s in sets]).to(device)
        self._generator = generator
        self.owner = owner = torch.cat([torch.full((len(s),), i) for i, s in enumerate(sets)])
        self._rows = [torch.nonzero(owner == i).squeeze(-1) for i in range(len(sets))]
        self._rows_by_direction = [
            [rows[self.holds[rows, d]] for d in range(self.holds.shape[1])] for rows in self._rows
        ]

    def count(self, owner: int, direction: int) -> int:
        """Return how many grasps of an object survive a gravity direction."""
        return len(self._rows_by_direction[owner][direction])

    def draw_starts(self, owners: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """Draw a start grasp for each environment.

        Args:
            owners: Index of each environment's object, shape (n,).
            directions: Index of each environment's gravity direction, shape (n,).

        Returns:
            Rows of this object's arrays, shape (n,).
        """
        rows = torch.empty(len(owners), dtype=torch.long)
        for key in torch.unique(torch.stack((owners, directions), 1), dim=0):
            chosen = (owners == key[0]) & (directions == key[1])
            pool = self._rows_by_direction[int(key[0])][int(key[1])]
            picks = torch.randint(len(pool), (int(chosen.sum()),), generator=self._generator)
            rows[chosen] = pool[picks]
        return rows

    def draw_goals(
        self,
        owners: torch.Tensor,
        directions: torch.Tensor,
        pose: torch.Tensor,
        joints: torch.Tensor,
    ) -> torch.Tensor:
        """Draw a near goal for each environment, none that is already reached.

        The neighbours are sought in a random subset of the grasps, drawn anew at each call.
        Source: DexterityGen (arXiv 2502.04307), appendix B.

        Args:
            owners: Index of each environment's object, shape (n,).
            directions: Index of each environment's gravity direction, shape (n,).
            pose: Object poses now, shape (n, 7).
            joints: Joint positions now [rad], shape (n, J).

        Returns:
            Rows of this object's arrays, shape (n,).
        """
        options = self.options
        goals = torch.empty(len(owners), dtype=torch.long)
        for owner in torch.unique(owners):
            chosen = torch.nonzero(owners == owner).squeeze(-1)
            pool = self._rows[int(owner)]
            if len(pool) > options.candidates:
                picks = torch.randint(len(pool), (options.candidates,), generator=self._generator)
                pool = pool[picks]
            distance = grasp_distance(
                pose[chosen], joints[chosen], self.pose[pool], self.joints[pool], options
            )
            near = torch.cdist(pose[chosen, :3], self.pose[pool, :3]) < options.position_tolerance
            turned = angle_between(pose[chosen][:, None, 3:], self.pose[pool][None, :, 3:])
            reached = near & (turned < options.angle_tolerance)
            distance = distance + 1e3 * reached
            distance = distance + 1e2 * ~self.holds[pool][:, directions[chosen]].T
            count = min(options.neighbours, len(pool))
            nearest = torch.topk(distance, count, largest=False).indices
            pick = torch.randint(count, (len(chosen), 1), generator=self._generator)
            goals[chosen] = pool[nearest.gather(1, pick).squeeze(1)]
        return goals


def connectivity(grasps: GraspSet, options: GoalOptions, seed: int = 0) -> dict[str, float]:
    """Describe the graph in which each grasp points to its nearest neighbours.

    Args:
        grasps: The grasps; at most 3,000 of them, drawn at random, are looked at.
        options: The weights and the number of neighbours.
        seed: Seed of that draw.

    Returns:
        ``grasps``, ``components`` (weakly connected), ``largest`` (share of the grasps in the
        largest component) and ``median_distance`` to the nearest neighbours.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    generator = torch.Generator().manual_seed(seed)
    some = torch.randperm(len(grasps), generator=generator)[:3000]
    pose, joints = grasps.object_pose[some], grasps.joints[some]
    n = len(some)
    k = min(options.neighbours, n - 1)
    if k < 1:
        return {"grasps": n, "components": n, "largest": 1.0, "median_distance": 0.0}
    values, columns = [], []
    for start in range(0, n, 500):
        part = slice(start, start + 500)
        distance = grasp_distance(pose[part], joints[part], pose, joints, options)
        nearest = torch.topk(distance, k + 1, largest=False)
        values.append(nearest.values[:, 1:])
        columns.append(nearest.indices[:, 1:])
    column = torch.cat(columns).flatten().numpy()
    row = torch.arange(n).repeat_interleave(k).numpy()
    graph = csr_matrix((torch.ones(n * k).numpy(), (row, column)), shape=(n, n))
    components, labels = connected_components(graph, directed=True, connection="weak")
    largest = float(torch.bincount(torch.as_tensor(labels)).max()) / n
    return {
        "grasps": n,
        "components": int(components),
        "largest": largest,
        "median_distance": float(torch.cat(values).median()),
    }
