"""From a hand's state to the poses of a scene's parts, in a world with gravity downwards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dexgen_app.render.scene import SceneDescription
from dexgen_app.render.transforms import multiply, rotation_matrices, shortest_rotation

if TYPE_CHECKING:
    from dexgen_app.kinematics.model import HandModel

_DOWN = np.array([0.0, 0.0, -1.0])
_JUMP = math.radians(45.0)


class Upright:
    """Turns the hand frame so that gravity points down, without spinning the hand about it.

    A gravity that turns slowly turns the hand by the smallest rotation from where it was, so the
    heading never swings. After a jump, such as a reset, the heading is that of ``upright``.
    """

    def __init__(self) -> None:
        self._gravity: np.ndarray | None = None
        self._rotation = np.array([1.0, 0.0, 0.0, 0.0])

    def update(self, gravity: np.ndarray) -> np.ndarray:
        """Return the rotation from the hand frame to the world, wxyz, shape (4,).

        Args:
            gravity: Direction of gravity in the hand frame, shape (3,). Without a finite
                direction the last rotation stays.
        """
        gravity = np.asarray(gravity, dtype=float)
        length = float(np.linalg.norm(gravity))
        if not math.isfinite(length) or length < 1e-6:
            return self._rotation
        gravity = gravity / length
        if self._gravity is None or float(gravity @ self._gravity) < math.cos(_JUMP):
            self._rotation = upright(gravity)
        else:
            turned = rotation_matrices(self._rotation) @ gravity
            step = shortest_rotation(turned, _DOWN)
            rotation = multiply(step, self._rotation)
            self._rotation = rotation / np.linalg.norm(rotation)
        self._gravity = gravity
        return self._rotation


def upright(gravity: np.ndarray) -> np.ndarray:
    """Return the smallest rotation, wxyz, that takes ``gravity`` to -z, shape (4,)."""
    return shortest_rotation(gravity, _DOWN)


class ScenePoses:
    """Poses of a scene's parts for joint positions, gravity and an object pose.

    The hand's middle at rest is the world's origin, so that the hand stays in view however the
    wrist is turned.

    Args:
        hand: The hand's model.
        scene: A scene made from it.
    """

    def __init__(self, hand: HandModel, scene: SceneDescription) -> None:
        self.scene = scene
        self._hand = hand
        self._bodies = np.array(
            [part.body for part in scene.parts if part.body is not None], dtype=int
        )
        self.centre, self.radius = scene.bounds()
        self._corners = _box_corners(scene)
        self._upright = Upright()
        self.rotation = np.array([1.0, 0.0, 0.0, 0.0])
        self.turn(np.array([-1.0, 0.0, 0.0]))

    def turn(self, gravity: np.ndarray) -> None:
        """Take the direction of gravity in the hand frame, shape (3,)."""
        self.rotation = self._upright.update(gravity)

    def hand(self, q: np.ndarray) -> np.ndarray:
        """Return the world poses of the hand's parts, shape (hand parts, 7).

        Args:
            q: Joint positions in ``HandSpec.joint_names`` order [rad], shape (J,). Poses are NaN
                where a joint is not finite.
        """
        q = np.asarray(q, dtype=float)
        if not np.isfinite(q).all():
            return np.full((len(self._bodies), 7), np.nan)
        fixed = np.array([[0.0, 0, 0, 1, 0, 0, 0]])
        bodies = np.concatenate([np.asarray(self._hand.body_poses(q)), fixed])
        return self.to_world(bodies[self._bodies])

    def parts(self, q: np.ndarray, object_pose: np.ndarray | None = None) -> np.ndarray:
        """Return the world poses of all parts, shape (parts, 7); an absent object is NaN.

        Args:
            q: Joint positions [rad], shape (J,).
            object_pose: Position [m] and quaternion wxyz in the hand frame, shape (7,), or None.
        """
        poses = np.full((len(self.scene.parts), 7), np.nan)
        poses[: len(self._bodies)] = self.hand(q)
        if object_pose is not None and len(poses) > len(self._bodies):
            poses[len(self._bodies) :] = self.to_world(np.asarray(object_pose)[None])
        return poses

    def to_world(self, poses: np.ndarray) -> np.ndarray:
        """Move poses from the hand frame to the world, shape (n, 7)."""
        points = self.points_to_world(poses[:, :3])
        return np.column_stack([points, multiply(self.rotation, poses[:, 3:])])

    def points_to_world(self, points: np.ndarray) -> np.ndarray:
        """Move points from the hand frame to the world, shape (n, 3) [m]."""
        return (points - self.centre) @ rotation_matrices(self.rotation).T

    def vectors_to_world(self, vectors: np.ndarray) -> np.ndarray:
        """Turn directions from the hand frame to the world, shape (n, 3)."""
        return vectors @ rotation_matrices(self.rotation).T

    def floor_height(self, margin: float = 0.03) -> float:
        """Return a height below the resting hand for the floor [m]; moves with the wrist only."""
        return float(self.points_to_world(self._corners)[:, 2].min()) - margin


def _box_corners(scene: SceneDescription) -> np.ndarray:
    """Return the corners of a box round the resting hand in the hand frame, shape (8, 3)."""
    lower, upper = scene.extent
    steps = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), axis=-1).reshape(-1, 3)
    return lower + steps * (upper - lower)
