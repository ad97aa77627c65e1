"""An orbit camera in a z-up world, and its named views."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from dexgen_app.render.transforms import look_at, perspective

PRESETS = ("iso", "front", "side", "top", "palm")
"""Named views, in the order of the keys 1 to 5."""

# Azimuth from the direction that the hand faces, and elevation.
_DIRECTIONS = {
    "iso": (math.radians(60.0), math.radians(22.0)),
    "front": (0.0, math.radians(8.0)),
    "side": (math.radians(90.0), math.radians(8.0)),
    "top": (0.0, math.radians(89.0)),
}
_LYING_ISO = math.radians(105.0)
_MARGIN = 1.22
_CLEARANCE = 0.02
"""Smallest distance of a fitted camera from the nearest point [m]."""
_MAX_ELEVATION = math.radians(89.0)
_MIN_DISTANCE, _MAX_DISTANCE = 0.03, 5.0


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera that looks at a point from a distance, with z upwards.

    Attributes:
        target: The point that it looks at [m].
        distance: Distance from the target [m].
        azimuth: Heading of the eye seen from the target, from +x towards +y [rad].
        elevation: Height of the eye above the horizon [rad].
        fov: Vertical field of view [rad].
    """

    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    distance: float = 0.6
    azimuth: float = math.radians(60.0)
    elevation: float = math.radians(24.0)
    fov: float = math.radians(24.0)

    @property
    def direction(self) -> np.ndarray:
        """Unit vector from the target to the eye, shape (3,)."""
        return np.array(
            [
                math.cos(self.elevation) * math.cos(self.azimuth),
                math.cos(self.elevation) * math.sin(self.azimuth),
                math.sin(self.elevation),
            ]
        )

    @property
    def eye(self) -> np.ndarray:
        """Position of the eye [m], shape (3,)."""
        return np.array(self.target) + self.distance * self.direction

    def view(self) -> np.ndarray:
        """Return the view matrix, shape (4, 4)."""
        return look_at(self.eye, np.array(self.target), np.array([0.0, 0.0, 1.0]))

    def projection(self, aspect: float) -> np.ndarray:
        """Return the projection matrix, shape (4, 4), for ``aspect`` = width / height."""
        return perspective(self.fov, aspect, self.distance * 0.05, self.distance + 6.0)

    def project(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return pixel positions (x right, y down), shape (n, 2), of points, shape (n, 3).

        Points behind the eye become NaN.
        """
        width, height = size
        matrix = self.projection(width / height) @ self.view()
        clip = np.column_stack([points, np.ones(len(points))]) @ matrix.T
        clip[clip[:, 3] <= 0.0] = np.nan
        ndc = clip[:, :2] / clip[:, 3:]
        return (ndc * [0.5, -0.5] + 0.5) * [width, height]

    def orbit(self, azimuth: float, elevation: float) -> Camera:
        """Turn round the target by two angles [rad]; never over the poles."""
        return replace(
            self,
            azimuth=math.remainder(self.azimuth + azimuth, math.tau),
            elevation=float(np.clip(self.elevation + elevation, -_MAX_ELEVATION, _MAX_ELEVATION)),
        )

    def pan(self, right: float, up: float) -> Camera:
        """Shift camera and target sideways, in fractions of the view's height."""
        scale = 2.0 * self.distance * math.tan(self.fov / 2.0)
        rows = self.view()[:3, :3]
        moved = np.array(self.target) + scale * (right * rows[0] + up * rows[1])
        return replace(self, target=_triple(moved))

    def zoom(self, factor: float) -> Camera:
        """Multiply the distance by ``factor``, within 3 cm to 5 m."""
        return replace(
            self, distance=float(np.clip(self.distance * factor, _MIN_DISTANCE, _MAX_DISTANCE))
        )

    def towards(self, direction: np.ndarray) -> Camera:
        """Return this camera with the eye in ``direction`` from its target, shape (3,)."""
        x, y, z = np.asarray(direction, dtype=float) / np.linalg.norm(direction)
        elevation = float(np.clip(math.asin(np.clip(z, -1, 1)), -_MAX_ELEVATION, _MAX_ELEVATION))
        azimuth = math.atan2(y, x) if math.hypot(x, y) > 0.02 else self.azimuth
        return replace(self, azimuth=azimuth, elevation=elevation)

    def fitted(self, points: np.ndarray, aspect: float) -> Camera:
        """Return this camera moved so that it shows all points, shape (n, 3), with a margin."""
        local = points @ self.view()[:3, :3].T
        tangent = math.tan(self.fov / 2.0) / _MARGIN * np.array([aspect, 1.0])
        lower, upper = local.min(axis=0), local.max(axis=0)
        centre = (lower + upper) / 2.0
        distance = 0.0
        for _ in range(8):
            # Where nearer points look larger, shift until both edges are equally far.
            depth = np.maximum(distance + centre[2] - local[:, 2], 1e-3)
            slope = (local[:, :2] - centre[:2]) / depth[:, None]
            reach = np.abs(local[:, :2] - centre[:2]) / tangent + (local[:, 2:] - centre[2])
            if distance > 0.0:
                centre[:2] += 0.5 * (slope.min(axis=0) + slope.max(axis=0)) * distance
                reach = np.abs(local[:, :2] - centre[:2]) / tangent + (local[:, 2:] - centre[2])
            # Points one behind another need no width, but the camera must stay before them.
            distance = max(float(reach.max()), float((local[:, 2] - centre[2]).max()) + _CLEARANCE)
        target = centre @ self.view()[:3, :3]
        return replace(self, target=_triple(target)).zoom(distance / self.distance)

    def blend(self, other: Camera, amount: float) -> Camera:
        """Return a camera between this one (0) and another (1), on the short way round."""
        turn = math.remainder(other.azimuth - self.azimuth, math.tau)
        mixed = np.array(self.target) * (1 - amount) + np.array(other.target) * amount
        return Camera(
            target=_triple(mixed),
            distance=self.distance ** (1 - amount) * other.distance**amount,
            azimuth=self.azimuth + amount * turn,
            elevation=self.elevation + amount * (other.elevation - self.elevation),
            fov=self.fov,
        )


def preset(name: str, points: np.ndarray, rotation: np.ndarray, aspect: float = 1.3) -> Camera:
    """Return a named view that shows all points.

    A standing hand is seen from the side that its palm faces. A hand that lies, palm up or down,
    is seen from behind its wrist by ``front`` and across its fingers by ``iso``.

    Args:
        name: One of ``PRESETS``.
        points: Points that are shown, in the world [m], shape (n, 3).
        rotation: Rotation from the hand frame to the world, shape (3, 3).
        aspect: Width / height of the picture.

    Raises:
        ValueError: No view has this name.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown view {name!r}; known: {', '.join(PRESETS)}")
    palm, fingers = rotation[:, 0], rotation[:, 2]
    lies = abs(palm[2]) > 0.7
    facing = -fingers if lies else palm
    heading = math.atan2(facing[1], facing[0])
    if name == "palm":
        return Camera(azimuth=heading).towards(palm).fitted(points, aspect)
    azimuth, elevation = _DIRECTIONS[name]
    if lies and name == "iso":
        azimuth, elevation = _LYING_ISO, math.radians(30.0)
    camera = Camera(azimuth=math.remainder(heading + azimuth, math.tau), elevation=elevation)
    return camera.fitted(points, aspect)


def _triple(point: np.ndarray) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])
