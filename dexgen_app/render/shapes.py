"""Triangle meshes of the primitives, with smooth normals and bevelled edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with a normal at each vertex.

    Attributes:
        vertices: Positions [m], shape (n, 3), float32.
        normals: Outward unit normals, shape (n, 3), float32.
        faces: Vertex indices, counter-clockwise from outside, shape (m, 3), int32.
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray

    def moved(self, rotation: np.ndarray, position: np.ndarray) -> Mesh:
        """Return the mesh turned by a matrix, shape (3, 3), then moved [m], shape (3,)."""
        vertices = self.vertices @ rotation.T + position
        return Mesh(
            vertices.astype(np.float32), (self.normals @ rotation.T).astype(np.float32), self.faces
        )


def join(meshes: list[Mesh]) -> Mesh:
    """Return one mesh with the triangles of all."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.faces + o for mesh, o in zip(meshes, offsets)]).astype(np.int32),
    )


def revolve(profile: np.ndarray, segments: int, start: float = 0.0, turn: float = math.tau) -> Mesh:
    """Turn a profile round the z axis.

    Args:
        profile: From bottom to top, radius and height [m] and the normal's radial and axial
            part, shape (k, 4).
        segments: Number of steps round the axis.
        start: Angle of the first step [rad].
        turn: Angle that is covered [rad].
    """
    angles = start + np.linspace(0.0, turn, segments + 1)
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    radius, height, radial, axial = (column + 0.0 * cosine for column in profile.T)
    vertices = np.stack([radius * cosine, radius * sine, height], axis=-1)
    normals = np.stack([radial * cosine, radial * sine, axial], axis=-1)
    faces = _grid_faces(segments, len(profile) - 1)
    return _without_slivers(vertices.reshape(-1, 3), normals.reshape(-1, 3), faces)


def ellipsoid(radii: np.ndarray, segments: int = 28) -> Mesh:
    """Return an ellipsoid with the given radii [m], shape (3,)."""
    angles = np.linspace(-math.pi / 2, math.pi / 2, segments // 2 + 1)
    c, s = np.cos(angles), np.sin(angles)
    ball = revolve(np.column_stack([c, s, c, s]), segments)
    radii = np.asarray(radii, dtype=float)
    normals = ball.normals / radii
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Mesh((ball.vertices * radii).astype(np.float32), normals.astype(np.float32), ball.faces)


def capsule_profile(radius: float, half_length: float, segments: int = 28) -> np.ndarray:
    """Return the profile of a capsule for ``revolve``; ``half_length`` is without the caps [m]."""
    quarter = np.linspace(0.0, math.pi / 2, segments // 4 + 1)
    c, s = np.cos(quarter), np.sin(quarter)
    top = np.column_stack([radius * c, half_length + radius * s, c, s])
    middle = np.linspace(-half_length, half_length, 6)[1:-1]
    side = np.column_stack([np.full(4, radius), middle, np.ones(4), np.zeros(4)])
    bottom = top[::-1] * [1, -1, 1, -1]
    return np.concatenate([bottom, side, top])


def cylinder_profile(radius: float, half_length: float, bevel: float) -> np.ndarray:
    """Return the profile of a cylinder with rounded edges for ``revolve``; lengths in [m]."""
    bevel = min(bevel, 0.5 * radius, 0.5 * half_length)
    quarter = np.linspace(0.0, math.pi / 2, 5)
    c, s = np.cos(quarter), np.sin(quarter)
    edge = np.column_stack([radius - bevel + bevel * c, half_length - bevel + bevel * s, c, s])
    rings = (radius - bevel) * np.array([0.75, 0.4, 0.0])
    cap = np.column_stack([rings, np.full(3, half_length), np.zeros(3), np.ones(3)])
    top = np.concatenate([edge, cap])
    middle = np.linspace(-half_length + bevel, half_length - bevel, 6)[1:-1]
    side = np.column_stack([np.full(4, radius), middle, np.ones(4), np.zeros(4)])
    return np.concatenate([top[::-1] * [1, -1, 1, -1], side, top])


def rounded_box(half: np.ndarray, bevel: float) -> Mesh:
    """Return a box with rounded edges.

    Args:
        half: Half edge lengths [m], shape (3,).
        bevel: Radius of the edges [m].
    """
    half = np.asarray(half, dtype=float)
    bevel = min(bevel, 0.9 * float(half.min()))
    # Points of a cube's face, pushed out from the inner box to the bevel's radius.
    arc = bevel * np.tan(np.linspace(math.pi / 4, 0.0, 3))
    parts = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        lines = []
        for side in (u, v):
            inner = half[side] - bevel
            flat = np.linspace(-inner, inner, 4)[1:-1]
            lines.append(np.concatenate([-inner - arc, flat, inner + arc[::-1]]))
        for sign in (1.0, -1.0):
            grid = np.empty((len(lines[0]), len(lines[1]), 3))
            grid[..., axis] = sign * half[axis]
            grid[..., u] = lines[0][:, None]
            grid[..., v] = lines[1][None, :]
            points = grid.reshape(-1, 3)
            inner_point = np.clip(points, bevel - half, half - bevel)
            normals = points - inner_point
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            faces = _grid_faces(len(lines[0]) - 1, len(lines[1]) - 1)
            if sign < 0:
                faces = faces[:, ::-1]
            parts.append(_without_slivers(inner_point + bevel * normals, normals, faces))
    return join(parts)


def rounded_square(half: tuple[float, float], corner: float) -> Mesh:
    """Return a flat patch in the xy plane that faces +z, with round corners; lengths in [m]."""
    quarter = np.linspace(0.0, math.pi / 2, 6)
    rim = []
    for turn, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        angle = quarter + turn * math.pi / 2
        centre = np.array([sx * (half[0] - corner), sy * (half[1] - corner)])
        rim.append(centre + corner * np.column_stack([np.cos(angle), np.sin(angle)]))
    outline = np.concatenate(rim)
    vertices = np.zeros((len(outline) + 1, 3), np.float32)
    vertices[1:, :2] = outline
    normals = np.tile(np.array([0, 0, 1], np.float32), (len(vertices), 1))
    ring = np.arange(len(outline))
    faces = np.column_stack([np.zeros_like(ring), ring + 1, (ring + 1) % len(ring) + 1])
    return Mesh(vertices, normals, faces.astype(np.int32))


def arrow(segments: int = 16) -> Mesh:
    """Return an arrow of unit length along +z; its head has radius 0.22, its shaft 0.09."""
    out, down = (1.0, 0.0), (0.0, -1.0)
    slope = np.array([0.32, 0.22]) / math.hypot(0.32, 0.22)
    shaft = [(0.0, 0.0, *down), (0.09, 0.0, *down), (0.09, 0.0, *out), (0.09, 0.68, *out)]
    head = [(0.09, 0.68, *down), (0.22, 0.68, *down), (0.22, 0.68, *slope), (0.0, 1.0, *slope)]
    return join([revolve(np.array(shaft), segments), revolve(np.array(head), segments)])


def _grid_faces(rows: int, columns: int) -> np.ndarray:
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    a = (i * (columns + 1) + j).ravel()
    b, c, d = a + columns + 1, a + columns + 2, a + 1
    return np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])


def _without_slivers(vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray) -> Mesh:
    corner = vertices[faces]
    area = np.linalg.norm(
        np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1
    )
    kept = faces[area > 1e-13]
    return Mesh(vertices.astype(np.float32), normals.astype(np.float32), kept.astype(np.int32))
