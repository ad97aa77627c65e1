"""What is drawn: rigid parts with vertices, normals and colours, made from a hand's MJCF."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dexgen_app import paths
from dexgen_app.render.normals import cached_creased
from dexgen_app.render.objects import object_part
from dexgen_app.render.part import Part
from dexgen_app.render.shapes import (
    Mesh,
    capsule_profile,
    cylinder_profile,
    ellipsoid,
    revolve,
    rounded_box,
)
from dexgen_app.render.transforms import pose_matrices, rotation_matrices
from dexgen_app.spec import ObjectSpec

if TYPE_CHECKING:
    import mujoco

    from dexgen_app.kinematics.model import HandModel

OBJECT = "object"
"""Name of the manipulated object's part."""

_PLAIN = np.array([0.5, 0.5, 0.5, 1.0])  # MuJoCo's default geom colour


@dataclass(frozen=True, eq=False)
class SceneDescription:
    """Everything that a renderer needs; poses come later.

    Attributes:
        parts: The links of the hand, then the object if there is one.
        rest: Part poses in the hand frame of a typical view: position [m], quaternion wxyz,
            shape (len(parts), 7).
        extent: Lower and upper corner of a box round the open and the closed hand and the
            object, in the hand frame [m], shape (2, 3).
    """

    parts: tuple[Part, ...]
    rest: np.ndarray
    extent: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts."""
        return tuple(part.name for part in self.parts)

    @property
    def hand_parts(self) -> int:
        """Number of parts that belong to the hand; they come first."""
        return sum(part.body is not None for part in self.parts)

    @cached_property
    def outline(self) -> np.ndarray:
        """Corners of a box round every part at rest, in the hand frame [m], shape (k, 3)."""
        corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), axis=-1).reshape(-1, 3)
        points = []
        for part, matrix in zip(self.parts, pose_matrices(self.rest)):
            lower, upper = part.mesh.vertices.min(axis=0), part.mesh.vertices.max(axis=0)
            points.append((lower + corners * (upper - lower)) @ matrix[:3, :3].T + matrix[:3, 3])
        return np.concatenate(points)

    @property
    def triangles(self) -> int:
        """Number of triangles of all parts."""
        return sum(len(part.mesh.faces) for part in self.parts)

    def index(self, name: str) -> int:
        """Return the index of a part."""
        return self.names.index(name)

    def bounds(self) -> tuple[np.ndarray, float]:
        """Return centre, shape (3,), and radius [m] of a sphere round ``extent``."""
        lower, upper = self.extent
        return (lower + upper) / 2.0, float(np.linalg.norm(upper - lower)) / 2.0


def hand_scene(
    hand: HandModel, object: ObjectSpec | None = None, like: SceneDescription | None = None
) -> SceneDescription:
    """Describe a hand and the object in it.

    Visual geoms (group 2) are drawn where the model has any, else all geoms of a body. The geoms
    of a body make one part, named as the body; part poses are body poses.

    Args:
        hand: The hand's model.
        object: The object, or None for an empty hand.
        like: A scene of the same hand whose links are taken over, which is faster.
    """
    parts = _hand_parts(hand) if like is None else list(like.parts[: like.hand_parts])
    if object is not None:
        parts.append(object_part(OBJECT, object))
    opened = _rest_poses(hand, parts, np.array(hand.spec.home))
    closed = _rest_poses(hand, parts, np.array(hand.spec.grasp))
    points = np.concatenate([_corners(parts, opened), _corners(parts, closed)])
    rest = opened if object is None else closed
    return SceneDescription(tuple(parts), rest, np.stack([points.min(axis=0), points.max(axis=0)]))


def _hand_parts(hand: HandModel) -> list[Part]:
    """Make a part of every body that has something to draw."""
    model = hand.mj_model
    group = np.asarray(model.geom_group)
    visible = np.asarray(model.geom_rgba)[:, 3] > 0.02
    chosen = visible & (group == 2) if (visible & (group == 2)).any() else visible
    bodies: dict[int, list[int]] = {}
    for geom in np.flatnonzero(chosen):
        if model.geom_type[geom] != 0:  # a plane is scenery
            bodies.setdefault(int(model.geom_bodyid[geom]), []).append(int(geom))
    parts = []
    for body, geoms in bodies.items():
        name = model.body(body).name
        index = hand.body_names.index(name) if name in hand.body_names else -1
        meshes = [_geom_mesh(model, geom) for geom in geoms]
        colors = [_geom_color(model, geom) for geom in geoms]
        parts.append(Part.joined(name, meshes, colors, body=index))
    return parts


def _rest_poses(hand: HandModel, parts: list[Part], q: np.ndarray) -> np.ndarray:
    """Return part poses in the hand frame, the object in the grasp centre, shape (parts, 7)."""
    bodies = np.asarray(hand.body_poses(q))
    poses = np.tile([0.0, 0, 0, 1, 0, 0, 0], (len(parts), 1))
    for part, pose in zip(parts, poses):
        if part.body is None:
            pose[:3] = hand.spec.grasp_center
        elif part.body >= 0:
            pose[:] = bodies[part.body]
    return poses


def _corners(parts: list[Part], poses: np.ndarray) -> np.ndarray:
    """Return the extremes of every part in the hand frame, shape (2 parts, 3)."""
    result = []
    for part, matrix in zip(parts, pose_matrices(poses)):
        points = part.mesh.vertices @ matrix[:3, :3].T + matrix[:3, 3]
        result += [points.min(axis=0), points.max(axis=0)]
    return np.array(result)


def _geom_color(model: mujoco.MjModel, geom: int) -> np.ndarray:
    """Return red, green, blue and gloss of a geom, 0 to 1."""
    rgba = np.array(model.geom_rgba[geom])
    gloss = 0.45
    material = int(model.geom_matid[geom])
    if material >= 0:
        gloss = float(
            np.clip(0.5 * (model.mat_specular[material] + model.mat_shininess[material]), 0, 1)
        )
        if np.allclose(rgba, _PLAIN):
            rgba = np.array(model.mat_rgba[material])
    return np.array([*rgba[:3], np.clip(gloss, 0.0, 1.0)])


def _geom_mesh(model: mujoco.MjModel, geom: int) -> Mesh:
    """Return a geom's triangles in the frame of its body."""
    import mujoco

    kind, size = int(model.geom_type[geom]), np.array(model.geom_size[geom])
    types = mujoco.mjtGeom
    if kind == types.mjGEOM_BOX:
        mesh = rounded_box(size, bevel=min(0.003, 0.25 * float(size.min())))
    elif kind == types.mjGEOM_SPHERE:
        mesh = ellipsoid(np.full(3, size[0]))
    elif kind == types.mjGEOM_ELLIPSOID:
        mesh = ellipsoid(size)
    elif kind == types.mjGEOM_CAPSULE:
        mesh = revolve(capsule_profile(size[0], size[1]), 28)
    elif kind == types.mjGEOM_CYLINDER:
        mesh = revolve(cylinder_profile(size[0], size[1], bevel=0.0015), 32)
    else:
        data = int(model.geom_dataid[geom])
        start, count = int(model.mesh_vertadr[data]), int(model.mesh_vertnum[data])
        first, number = int(model.mesh_faceadr[data]), int(model.mesh_facenum[data])
        mesh = cached_creased(
            np.array(model.mesh_vert[start : start + count]),
            np.array(model.mesh_face[first : first + number]),
            paths.cache_dir() / "normals",
        )
    rotation = rotation_matrices(np.array(model.geom_quat[geom]))
    return mesh.moved(rotation, np.array(model.geom_pos[geom]))
