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

        self._positions = tensor(model.body_pos)
        self._rotations = _quaternion_matrix(tensor(model.body_quat))
        self._parents = [int(p) for p in model.body_parentid]
        self._joints: dict[int, tuple[int, torch.Tensor, torch.Tensor]] = {}
        for column, name in enumerate(joint_names):
            joint = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name)
            body = int(model.jnt_bodyid[joint]) if joint >= 0 else -1
            hinge = joint >= 0 and model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE
            if not hinge or body in self._joints:
                raise ModelError("not a hinge joint of its own body", where=f"joint {name}")
            axis = tensor(model.jnt_axis[joint])
            self._joints[body] = (column, axis, tensor(model.jnt_pos[joint]))
        self._sites = []
        for name in sites:
            site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, name)
            if site < 0:
                raise ModelError("the model has no such site", where=f"site {name}")
            self._sites.append((int(model.site_bodyid[site]), tensor(model.site_pos[site])))
        needed = {body for body, _ in self._sites}
        for body in sorted(needed, reverse=True):
            while body > 0:
                body = self._parents[body]
                needed.add(body)
        self._order = sorted(needed - {0})

    def positions(self, joints: torch.Tensor) -> torch.Tensor:
        """Return site positions in the hand frame.

        Args:
            joints: Joint positions [rad], shape (n, J).

        Returns:
            Positions [m], shape (n, sites, 3).
        """
        count = len(joints)
        place = {0: torch.zeros(count, 3)}
        turn = {0: torch.eye(3).expand(count, 3, 3)}
        for body in self._order:
            above = self._parents[body]
            position = place[above] + turn[above] @ self._positions[body]
            rotation = turn[above] @ self._rotations[body]
            if body in self._joints:
                column, axis, anchor = self._joints[body]
                half = 0.5 * joints[:, column, None]
                spin = _quaternion_matrix(torch.cat([half.cos(), half.sin() * axis], dim=-1))
                position = position + rotation @ anchor
                rotation = rotation @ spin
                position = position - (rotation @ anchor)
            place[body], turn[body] = position, rotation
        return torch.stack([place[body] + turn[body] @ offset for body, offset in self._sites], 1)
