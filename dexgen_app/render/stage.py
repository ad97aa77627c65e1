"""What a picture of a session shows: the measured hand, the commanded hand, object and contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dexgen_app.render.camera import Camera, preset
from dexgen_app.render.poses import ScenePoses
from dexgen_app.render.renderer import SceneRenderer
from dexgen_app.render.scene import SceneDescription, hand_scene
from dexgen_app.render.transforms import rotation_matrices
from dexgen_app.spec import ObjectSpec

if TYPE_CHECKING:
    from dexgen_app.kinematics.model import HandModel

# The ghost shows where a commanded link is this far from the measured one [m].
_GHOST_FROM, _GHOST_FULL = 0.002, 0.008
_DEFAULT_GRAVITY = np.array([-1.0, 0.0, 0.0])


class Stage:
    """Keeps the poses of everything that is drawn, and hands them to a renderer.

    It needs no renderer itself, so a window can fill it before any picture exists.

    Args:
        hand: The hand's model.
        object: The object, or None.
        like: A stage of the same hand whose links are taken over, which is faster.
    """

    def __init__(
        self, hand: HandModel, object: ObjectSpec | None = None, like: Stage | None = None
    ) -> None:
        self.hand = hand
        self.object = object
        self.scene: SceneDescription = hand_scene(
            hand, object, None if like is None else like.scene
        )
        self.poses = ScenePoses(hand, self.scene)
        self.show_ghost: bool = like is None or like.show_ghost
        self.show_contacts: bool = like is None or like.show_contacts
        self.selected: str | None = None
        self._tints: dict[str, tuple[float, float, float, float]] = {}
        self._uploaded: SceneRenderer | None = None
        self._seen: list[np.ndarray] = []
        self.show_rest()

    def camera(self, name: str, aspect: float) -> Camera:
        """Return a named view of the hand as it is turned now.

        Args:
            name: One of ``camera.PRESETS``.
            aspect: Width / height of the picture.

        Raises:
            ValueError: No view has this name.
        """
        points = self.poses.points_to_world(self.scene.outline)
        return preset(name, points, rotation_matrices(self.poses.rotation), aspect)

    def show_rest(self, gravity: np.ndarray = _DEFAULT_GRAVITY) -> None:
        """Show the hand's grasp with the object in it, or its open pose without an object."""
        self._seen = []
        spec = self.hand.spec
        self._q = np.array(spec.home if self.object is None else spec.grasp)
        self._command = np.full(len(self._q), np.nan)
        self._object = np.array([*spec.grasp_center, 1.0, 0.0, 0.0, 0.0])
        self._contacts = np.zeros((0, 6))
        self.poses.turn(gravity)

    def show_row(self, row: np.void) -> bool:
        """Show a row of ``row_dtype``: measured hand solid, commanded hand as a ghost.

        Joints that were not measured keep their last place.

        Returns:
            Whether anything moved by more than can be seen.
        """
        position = np.array(row["position"], dtype=float)
        self._q = np.where(np.isfinite(position), position, self._q)
        command, target = np.array(row["command"]), np.array(row["target"])
        self._command = np.where(np.isfinite(command), command, target)
        self._object = np.array(row["object_pose"], dtype=float)
        count = int(np.clip(row["contact_count"], 0, len(row["contacts"])))
        self._contacts = np.array(row["contacts"][:count], dtype=float)
        gravity = np.array(row["gravity"], dtype=float)
        self.poses.turn(gravity)
        return self._differs(gravity)

    def _differs(self, gravity: np.ndarray) -> bool:
        """Compare with the last state that differed, and keep this one if it does too."""
        seen = (
            (self._q, 5e-4),
            (self._command, 5e-4),
            (self._object, 1e-4),
            (gravity, 5e-4),
            (self._contacts[:, :3], 1e-3),
            (self._contacts[:, 3:], 0.1),
        )
        same = len(self._seen) == len(seen) and all(
            old.shape == new.shape and np.allclose(old, new, rtol=0.0, atol=step, equal_nan=True)
            for old, (new, step) in zip(self._seen, seen)
        )
        if not same:
            self._seen = [value.copy() for value, _ in seen]
        return not same

    def show_joints(self, q: np.ndarray, command: np.ndarray | None = None) -> None:
        """Show joint positions [rad], and a ghost at ``command`` [rad], each of shape (J,)."""
        self._seen = []
        self._q = np.array(q, dtype=float)
        self._command = np.full(len(self._q), np.nan) if command is None else np.array(command)

    def tint(self, tints: Mapping[str, tuple[float, float, float, float]]) -> None:
        """Colour links by name: red, green, blue (sRGB) and strength, 0 to 1."""
        self._tints = dict(tints)

    def apply(self, renderer: SceneRenderer) -> None:
        """Give the renderer everything that it shows."""
        if self._uploaded is not renderer or renderer.scene is not self.scene:
            renderer.set_scene(self.scene)
            self._uploaded = renderer
        parts = self.poses.parts(self._q, self._object)
        renderer.set_poses(parts)
        renderer.floor_height = self.poses.floor_height()
        ghost, opacity = None, np.zeros(0)
        if self.show_ghost and np.isfinite(self._command).all():
            ghost = self.poses.hand(self._command)
            opacity = self._ghost_opacity(ghost, parts[: len(ghost)])
        renderer.set_ghost(ghost, opacity)
        contacts = self._contacts if self.show_contacts else np.zeros((0, 6))
        points = self.poses.points_to_world(contacts[:, :3])
        renderer.set_contacts(
            np.column_stack([points, self.poses.vectors_to_world(contacts[:, 3:])])
        )
        renderer.set_highlight(self.selected)
        tints = np.zeros((len(parts), 4))
        for name, tint in self._tints.items():
            if name in self.scene.names:
                tints[self.scene.index(name)] = tint
        renderer.set_colors(tints)

    def _ghost_opacity(self, ghost: np.ndarray, hand: np.ndarray) -> np.ndarray:
        """Return how far each commanded link is from the measured one, as an opacity."""
        reach = np.array([part.radius for part in self.scene.parts[: len(ghost)]])
        moved = np.linalg.norm(ghost[:, :3] - hand[:, :3], axis=1)
        turned = 1.0 - np.abs(np.einsum("ij,ij->i", ghost[:, 3:], hand[:, 3:]))
        moved += reach * np.sqrt(8.0 * np.maximum(turned, 0.0))
        return np.clip((moved - _GHOST_FROM) / (_GHOST_FULL - _GHOST_FROM), 0.0, 1.0)
