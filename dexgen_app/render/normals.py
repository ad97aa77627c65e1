"""Crease-aware normals: smooth over rounded surfaces, sharp at edges. Computed once, cached."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from dexgen_app.render.cache import cached_arrays
from dexgen_app.render.shapes import Mesh


def creased(vertices: np.ndarray, faces: np.ndarray, angle: float = math.radians(35.0)) -> Mesh:
    """Return the mesh with vertices split where neighbouring faces meet at a sharp edge.

    A corner's normal is the mean of the normals of those faces at its vertex that differ from the
    corner's own face by less than ``angle``, weighted by the faces' angles at the vertex (Thuermer
    and Wuethrich, "Computing vertex normals from polygonal facets", 1998).

    Args:
        vertices: Positions [m], shape (n, 3).
        faces: Vertex indices, counter-clockwise from outside, shape (m, 3).
        angle: Sharpest angle between faces that is still smoothed [rad].
    """
    points, inverse = np.unique(np.round(vertices, 7), axis=0, return_inverse=True)
    faces = inverse.reshape(-1)[faces]
    corner = points[faces]
    cross = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    length = np.linalg.norm(cross, axis=1)
    keep = length > 1e-14
    faces, corner = faces[keep], corner[keep]
    unit = cross[keep] / length[keep, None]
    forward = np.roll(corner, -1, axis=1) - corner
    backward = np.roll(corner, 1, axis=1) - corner
    area = np.linalg.norm(np.cross(forward, backward), axis=2)
    opening = np.arctan2(area, np.einsum("ijk,ijk->ij", forward, backward)).ravel()

    # Corners sorted by vertex; `first` and `count` describe each vertex's run of corners.
    vertex = faces.ravel()
    order = np.argsort(vertex, kind="stable")
    count = np.bincount(vertex, minlength=len(points))
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    repeats = count[vertex]
    left = np.repeat(np.arange(len(vertex)), repeats)
    step = np.arange(len(left)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    right = order[first[vertex[left]] + step]
    smooth = np.einsum("ij,ij->i", unit[left // 3], unit[right // 3]) > math.cos(angle)
    left, right = left[smooth], right[smooth]
    weighted = unit[right // 3] * opening[right, None]
    normals = np.column_stack([np.bincount(left, weighted[:, k], len(vertex)) for k in range(3)])
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)

    keys = np.column_stack([vertex, np.round(normals * 512).astype(np.int64)])
    _, kept, merged = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return Mesh(
        points[vertex[kept]].astype(np.float32),
        normals[kept].astype(np.float32),
        merged.reshape(-1, 3).astype(np.int32),
    )


def cached_creased(vertices: np.ndarray, faces: np.ndarray, folder: Path) -> Mesh:
    """Return ``creased(vertices, faces)``, from ``folder`` if it was computed before."""

    def compute() -> dict[str, np.ndarray]:
        mesh = creased(vertices, faces)
        return {"vertices": mesh.vertices, "normals": mesh.normals, "faces": mesh.faces}

    stored = cached_arrays(folder, (vertices, faces), compute)
    return Mesh(stored["vertices"], stored["normals"], stored["faces"])
