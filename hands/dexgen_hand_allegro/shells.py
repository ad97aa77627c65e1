"""Visual shells of the links: rounded blocks as OBJ meshes that carry their own normals.

Every shell is a set of convex hulls of balls. A hull's vertices lie on its balls, so their exact
normals are known and flat faces stay flat beside round edges under smooth shading.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.spatial import ConvexHull

from dexgen_hand_allegro.description import TIP_RADIUS

Vector = tuple[float, float, float]
Mesh = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Vertices (n, 3) [m], unit normals (n, 3) and counter-clockwise triangles (m, 3)."""

ONE_SIDED = ("palm", "thumb_base")
"""Shells that differ between the hands; all others are their own mirror image."""


@dataclass(frozen=True, kw_only=True)
class Ball:
    """A ball of a hull: centre and radius [m]."""

    center: Vector
    radius: float


def _directions(steps: int) -> np.ndarray:
    """Return unit vectors of a subdivided octahedron, shape (4 steps^2 + 2, 3)."""
    points = {
        (a * x, b * y, c * (steps - x - y))
        for x in range(steps + 1)
        for y in range(steps + 1 - x)
        for a, b, c in product((1, -1), repeat=3)
    }
    grid = np.array(sorted(points), dtype=float)
    return grid / np.linalg.norm(grid, axis=1, keepdims=True)


def hull(balls: list[Ball], steps: int = 4) -> Mesh:
    """Return the convex hull of ``balls`` as a mesh."""
    directions = _directions(steps)
    points = np.concatenate([np.array(b.center) + b.radius * directions for b in balls])
    normals = np.tile(directions, (len(balls), 1))
    solid = ConvexHull(points)
    a, b, c = (points[solid.simplices[:, i]] for i in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), solid.equations[:, :3]) < 0
    triangles = solid.simplices.copy()
    triangles[inward] = triangles[inward][:, ::-1]
    used, flat = np.unique(triangles, return_inverse=True)
    return points[used], normals[used], flat.reshape(-1, 3)


def block(low: Vector, high: Vector, radius: float, *, top: float = 1.0, base: float = 1.0) -> Mesh:
    """Return a rounded box; ``top`` and ``base`` scale its two ends in x and y."""
    balls = []
    for z, scale in ((low[2] + radius, base), (high[2] - radius, top)):
        middle = [(low[i] + high[i]) / 2 for i in range(2)]
        half = [(high[i] - low[i]) / 2 * scale - radius for i in range(2)]
        for a, b in product((-1, 1), repeat=2):
            center = (middle[0] + a * half[0], middle[1] + b * half[1], z)
            balls.append(Ball(center=center, radius=radius))
    return hull(balls)


def _ring(count: int = 28) -> list[tuple[float, float]]:
    """Return points of the unit circle."""
    return [(float(np.cos(t)), float(np.sin(t))) for t in np.arange(count) * 2.0 * np.pi / count]


def barrel(half_length: float, radius: float, edge: float = 0.001) -> Mesh:
    """Return a round-edged cylinder about y at the origin."""
    across, along = radius - edge, half_length - edge
    balls = [
        Ball(center=(across * x, side * along, across * z), radius=edge)
        for x, z in _ring()
        for side in (-1, 1)
    ]
    return hull(balls, steps=2)


def _cap(height: float) -> Mesh:
    """Return a rubber tip: the published ball with a flat-ended skirt ``height`` below it [m]."""
    edge = 0.0015
    across = TIP_RADIUS - edge
    skirt = [Ball(center=(across * x, across * y, -height), radius=edge) for x, y in _ring(32)]
    return hull([Ball(center=(0.0, 0.0, 0.0), radius=TIP_RADIUS), *skirt], steps=6)


def _shells() -> dict[str, list[Mesh]]:
    """Return the parts of every shell of the right hand in its body's frame."""
    mounts = [
        block((-0.0115, y - 0.0155, 0.080), (0.0115, y + 0.0155, 0.0955), 0.003, top=0.92)
        for y in (-0.0425, 0.0, 0.0425)
    ]
    return {
        "palm": [
            block((-0.0285, -0.0565, 0.004), (0.0095, 0.0565, 0.091), 0.006, base=0.86),
            block((-0.0265, -0.034, -0.004), (0.0075, 0.034, 0.012), 0.004),
            *mounts,
        ],
        "pad": [block((0.004, -0.047, 0.014), (0.0111, 0.047, 0.076), 0.0025, base=0.9)],
        "base": [block((-0.0098, -0.0128, -0.0005), (0.0098, 0.0128, 0.0125), 0.0025, top=0.9)],
        "knuckle": [barrel(0.0137, 0.0088)],
        "proximal": [block((-0.0098, -0.0127, 0.0045), (0.0098, 0.0127, 0.0465), 0.0035, top=0.93)],
        "medial": [block((-0.0096, -0.0122, 0.0045), (0.0096, 0.0122, 0.031), 0.0035, top=0.92)],
        "distal": [block((-0.0095, -0.0118, 0.003), (0.0095, 0.0118, 0.0165), 0.0035, top=0.95)],
        "finger_tip": [_cap(0.0105)],
        "thumb_base": [
            block((-0.0358, -0.008, -0.008), (-0.001, 0.026, 0.029), 0.005),
            block((-0.0358, -0.0085, 0.022), (-0.0165, 0.0185, 0.0385), 0.004),
        ],
        "thumb_proximal": [
            block((-0.0098, -0.0128, 0.0005), (0.0098, 0.0128, 0.0135), 0.0025, top=0.9)
        ],
        "thumb_medial": [
            block((-0.0098, -0.0127, 0.0045), (0.0098, 0.0127, 0.0440), 0.0035, top=0.93)
        ],
        "thumb_distal": [
            block((-0.0096, -0.0122, 0.0045), (0.0096, 0.0122, 0.031), 0.0035, top=0.94)
        ],
        "thumb_tip": [_cap(0.0115)],
    }


def _mirror(mesh: Mesh) -> Mesh:
    """Reflect a mesh in y and turn its triangles round."""
    flip = np.array([1.0, -1.0, 1.0])
    return mesh[0] * flip, mesh[1] * flip, mesh[2][:, ::-1]


def _obj(parts: list[Mesh]) -> str:
    """Return the text of an OBJ file."""
    vertices, normals, faces = [], [], []
    offset = 1
    for points, directions, triangles in parts:
        vertices += [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in points]
        normals += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in directions]
        faces += ["f " + " ".join(f"{i}//{i}" for i in t) for t in triangles + offset]
        offset += len(points)
    return "\n".join([*vertices, *normals, *faces]) + "\n"


def write_shells(folder: Path) -> None:
    """Write every shell of both hands as an OBJ file into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, parts in _shells().items():
        if name in ONE_SIDED:
            (folder / f"{name}_right.obj").write_text(_obj(parts))
            (folder / f"{name}_left.obj").write_text(_obj([_mirror(part) for part in parts]))
        else:
            (folder / f"{name}.obj").write_text(_obj(parts))
