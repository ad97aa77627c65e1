"""A rigid part of a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dexgen_app.render.shapes import Mesh, join


@dataclass(frozen=True, eq=False)
class Part:
    """A rigid body with colours.

    Attributes:
        name: Name of the link; what picking returns.
        mesh: Triangles in the part's own frame.
        colors: Red, green, blue (sRGB) and gloss of each vertex, 0 to 1, shape (n, 4).
        body: Index into ``HandModel.body_names``; -1 for geoms that are fixed to the hand's
            frame; None for the object.
    """

    name: str
    mesh: Mesh
    colors: np.ndarray
    body: int | None = None

    @classmethod
    def joined(
        cls, name: str, meshes: list[Mesh], colors: list[np.ndarray], body: int | None = None
    ) -> Part:
        """Make one part of several meshes, each with one colour, shape (4,)."""
        tiled = [np.tile(color, (len(mesh.vertices), 1)) for mesh, color in zip(meshes, colors)]
        return cls(name, join(meshes), np.concatenate(tiled).astype(np.float32), body)

    @property
    def radius(self) -> float:
        """Radius round the part's origin [m]."""
        return float(np.linalg.norm(self.mesh.vertices, axis=1).max())
