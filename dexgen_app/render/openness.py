"""How open to the sky each vertex of a resting hand is: soft darkening of gaps, computed once."""

from __future__ import annotations

import math
from collections.abc import Callable

import moderngl
import numpy as np

from dexgen_app.render.transforms import look_at, orthographic

_DIRECTIONS = 40
_SIZE = 192


def bake_openness(
    context: moderngl.Context,
    draw: Callable[[np.ndarray], None],
    points: np.ndarray,
    normals: np.ndarray,
) -> np.ndarray:
    """Return the cosine-weighted share of directions from which each point is seen.

    Args:
        context: The current context.
        draw: Draws the depth of all that casts shadows, given a view-projection matrix.
        points: Positions in the world [m], shape (n, 3).
        normals: Outward normals in the world, shape (n, 3).

    Returns:
        Openness from 0 to 1, shape (n,).
    """
    centre = (points.min(axis=0) + points.max(axis=0)) / 2.0
    radius = float(np.linalg.norm(points - centre, axis=1).max()) + 1e-3
    depth = context.depth_texture((_SIZE, _SIZE))
    frame = context.framebuffer(depth_attachment=depth)
    raised = points + normals * (2.5 * radius / _SIZE)
    seen = np.zeros(len(points))
    total = np.full(len(points), 1e-6)
    for direction in _sphere(_DIRECTIONS):
        up = np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
        matrix = orthographic(np.full(3, -radius), np.full(3, radius)) @ look_at(
            centre + direction * 1e-3, centre, up
        )
        frame.use()
        frame.clear(depth=1.0)
        draw(matrix)
        nearest = np.frombuffer(depth.read(), np.float32).reshape(_SIZE, _SIZE)
        local = raised @ matrix[:3, :3].T + matrix[:3, 3]
        column, row = np.clip(((local[:, :2] * 0.5 + 0.5) * _SIZE).astype(int), 0, _SIZE - 1).T
        weight = np.maximum(normals @ direction, 0.0)
        total += weight
        seen += weight * (local[:, 2] * 0.5 + 0.5 <= nearest[row, column])
    frame.release()
    depth.release()
    return seen / total


def _sphere(count: int) -> np.ndarray:
    """Return evenly spread unit vectors on a Fibonacci spiral, shape (count, 3)."""
    index = np.arange(count) + 0.5
    z = 1.0 - 2.0 * index / count
    angle = index * math.pi * (3.0 - math.sqrt(5.0))
    radius = np.sqrt(1.0 - z * z)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), z])
