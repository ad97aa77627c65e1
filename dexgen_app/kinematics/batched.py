"""Forward kinematics of many hands at once, in torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from dexgen_app.errors import ModelError

if TYPE_CHECKING:
    import mujoco


def _quaternion_matrix(quaternion: torch.Tensor) -> torch.Tensor:
    w, x, y, z = quaternion.unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
    ]
    return torch.stack(rows, -2)


class BatchedKinematics:
    """Site positions of a hand for many joint configurations.

    Args:
        model: The compiled hand; hinge joints only.
        joint_names: Order of the joint arrays.
        sites: Sites to compute.

    Raises:
        ModelError: A joint is no hinge, or a body has more than one.
    """

    def __init__(
        self, model: mujoco.MjModel, joint_names: Sequence[str], sites: Sequence[str]
    ) -> None:
        import mujoco

        def tensor(values: object) -> torch.Tensor:
            return torch.as_tensor(values, dtype=torch.float32).clone()

        columns: dict[int, tuple[int, torch.Tensor, torch.Tensor]] = {}
        for column, name in enumerate(joint_names):
            joint = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name)
            body = int(model.jnt_bodyid[joint]) if joint >= 0 else -1
            hinge = joint >= 0 and model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE
            if not hinge or body in columns:
                raise ModelError("not a hinge joint of its own body", where=f"joint {name}")
            columns[body] = (column, tensor(model.jnt_axis[joint]), tensor(model.jnt_pos[joint]))
        bodies, offsets = [], []
        for name in sites:
            site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, name)
            if site < 0:
                raise ModelError("the model has no such site", where=f"site {name}")
            bodies.append(int(model.site_bodyid[site]))
            offsets.append(tensor(model.site_pos[site]))
        parents = [int(p) for p in model.body_parentid]
        levels = _levels(parents, bodies)
        place = {body: row for row, body in enumerate([0, *(b for level in levels for b in level)])}
        self._levels = [
            (
                slice(place[level[0]], place[level[-1]] + 1),
                torch.tensor([place[parents[body]] for body in level]),
            )
            for level in levels
        ]
        order = [body for level in levels for body in level]
        self._positions = tensor(model.body_pos)[order]
        self._rotations = _quaternion_matrix(tensor(model.body_quat))[order]
        still = (0, torch.zeros(3), torch.zeros(3))
        found = [columns.get(body, still) for body in order]
        self._columns = torch.tensor([column for column, _, _ in found])
        self._cross = torch.stack([_cross_matrix(axis) for _, axis, _ in found])
        self._cross_twice = self._cross @ self._cross
        self._anchors = torch.stack([anchor for _, _, anchor in found])
        self._bodies = torch.tensor([place[body] for body in bodies])
        self._offsets = torch.stack(offsets)

    def positions(self, joints: torch.Tensor) -> torch.Tensor:
        """Return site positions in the hand frame.

        Args:
            joints: Joint positions [rad], shape (n, J).

        Returns:
            Positions [m], shape (n, sites, 3).
        """
        # Poses in the parent, by Rodrigues' formula; a body without a joint has no axis.
        angle = joints[:, self._columns, None, None]
        spin = torch.eye(3) + angle.sin() * self._cross + (1 - angle.cos()) * self._cross_twice
        anchor = self._anchors[:, :, None]
        own_turn = self._rotations @ spin
        own_place = self._positions[:, :, None] + self._rotations @ (anchor - spin @ anchor)
        count = len(joints)
        turn = [torch.eye(3).expand(count, 1, 3, 3)]
        place = [torch.zeros(count, 1, 3, 1)]
        # Bodies at the same depth do not depend on each other.
        for rows, parents in self._levels:
            above, base = torch.cat(turn, 1)[:, parents], torch.cat(place, 1)[:, parents]
            local = slice(rows.start - 1, rows.stop - 1)  # the world has no pose of its own
            place.append(base + above @ own_place[:, local])
            turn.append(above @ own_turn[:, local])
        every, everywhere = torch.cat(turn, 1), torch.cat(place, 1)
        sites = everywhere[:, self._bodies] + every[:, self._bodies] @ self._offsets[:, :, None]
        return sites.squeeze(-1)


def _levels(parents: Sequence[int], bodies: Sequence[int]) -> list[list[int]]:
    """Return the bodies that these hang on, the world left out, by their depth in the tree."""
    depth = {0: 0}

    def find(body: int) -> int:
        if body not in depth:
            depth[body] = find(parents[body]) + 1
        return depth[body]

    deepest = max(find(body) for body in bodies)
    return [sorted(b for b, d in depth.items() if d == level) for level in range(1, deepest + 1)]


def _cross_matrix(axis: torch.Tensor) -> torch.Tensor:
    """Return the matrix of the cross product with a vector."""
    x, y, z = axis.tolist()
    return torch.tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
