"""The manipulated object, with markings that make its rotation visible."""

from __future__ import annotations

import math

import numpy as np

from dexgen_app.render.part import Part
from dexgen_app.render.shapes import (
    Mesh,
    capsule_profile,
    cylinder_profile,
    revolve,
    rounded_box,
    rounded_square,
)
from dexgen_app.spec import ObjectSpec

_GLOSS = 0.55
_BODY = (0.93, 0.93, 0.92)
# +x, -x, +y, -y, +z, -z
_FACES = (
    (0.90, 0.30, 0.24),
    (0.95, 0.60, 0.18),
    (0.20, 0.62, 0.46),
    (0.55, 0.76, 0.29),
    (0.22, 0.47, 0.86),
    (0.55, 0.42, 0.82),
)
_LIFT = 0.0002  # how far a marking stands off the surface [m]


def object_part(name: str, spec: ObjectSpec) -> Part:
    """Return the object as a part in its own frame.

    A box has a coloured patch on each face; round shapes have coloured sectors.
    """
    x, y, z = spec.size
    if spec.shape in ("cube", "box"):
        return _box(name, np.array([x, y, z]) / 2.0)
    if spec.shape == "sphere":
        return _sectors(name, [_octant_band(x / 2.0, top) for top in (True, False)])
    if spec.shape == "cylinder":
        profile = cylinder_profile(x / 2.0, z / 2.0, bevel=min(0.003, 0.15 * x))
    else:
        profile = capsule_profile(x / 2.0, max(z - x, 0.0) / 2.0, segments=40)
    middle = len(profile) // 2
    radius = profile[middle, 0]
    cut = np.array([[radius, 0.0, 1.0, 0.0]])
    lower = np.concatenate([profile[profile[:, 1] < -1e-9], cut])
    upper = np.concatenate([cut, profile[profile[:, 1] > 1e-9]])
    return _sectors(name, [upper, lower])


def _box(name: str, half: np.ndarray) -> Part:
    bevel = min(0.005, 0.14 * float(half.min()))
    meshes, colors = [rounded_box(half, bevel)], [(*_BODY, _GLOSS)]
    for face, color in enumerate(_FACES):
        axis, sign = face // 2, 1.0 - 2.0 * (face % 2)
        u, v = (axis + 1) % 3, (axis + 2) % 3
        rotation = np.zeros((3, 3))
        rotation[axis, 2] = sign
        rotation[u, 0], rotation[v, 1] = 1.0, sign
        margin = bevel + 0.06 * float(half.min())
        size = (float(half[u]) - margin, float(half[v]) - margin)
        patch = rounded_square(size, 0.3 * min(size))
        position = np.zeros(3)
        position[axis] = sign * (half[axis] + _LIFT)
        meshes.append(patch.moved(rotation, position))
        colors.append((*color, _GLOSS))
    return Part.joined(name, meshes, [np.array(color) for color in colors])


def _octant_band(radius: float, top: bool) -> np.ndarray:
    angles = np.linspace(0.0, math.pi / 2, 13) if top else np.linspace(-math.pi / 2, 0.0, 13)
    c, s = np.cos(angles), np.sin(angles)
    return np.column_stack([radius * c, radius * s, c, s])


def _sectors(name: str, halves: list[np.ndarray]) -> Part:
    """Colour a body of revolution in four sectors above and four below, set off by a half turn."""
    meshes: list[Mesh] = []
    colors = []
    for which, profile in enumerate(halves):
        for sector in range(4):
            coloured = (sector + which) % 2 == 0
            shade = _FACES[(sector // 2) + 2 * which + (1 if which and sector > 1 else 0)]
            meshes.append(revolve(profile, 10, start=sector * math.pi / 2, turn=math.pi / 2))
            colors.append(np.array([*(shade if coloured else _BODY), _GLOSS]))
    return Part.joined(name, meshes, colors)
