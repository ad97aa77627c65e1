"""Moves the 3D view's camera: named views, gliding between them, following the palm."""

from __future__ import annotations

import time

import numpy as np

from dexgen_app.render.camera import PRESETS, Camera
from dexgen_app.render.stage import Stage
from dexgen_app.render.transforms import rotation_matrices

_GLIDE_S = 0.22


class CameraRig:
    """Holds the camera of a stage.

    Attributes:
        camera: Where the hand is seen from now.
        preset: Name of the view; empty after a move by hand.
    """

    def __init__(self) -> None:
        self.camera = Camera()
        self.preset = PRESETS[0]
        self._stage: Stage | None = None
        self._aspect = 1.0
        self._glide: tuple[Camera, Camera, float] | None = None
        self._follow: np.ndarray | None = None  # the eye's direction in the hand frame

    @property
    def gliding(self) -> bool:
        """Whether the camera is on its way to a view."""
        return self._glide is not None

    @property
    def following(self) -> bool:
        """Whether the camera is fixed to the palm."""
        return self._follow is not None

    def look_at(self, stage: Stage, *, keep: bool = False) -> None:
        """Take another stage; go to the named view, or keep the camera where it is."""
        self._stage = stage
        if not keep:
            self.preset = self.preset or PRESETS[0]
            self._glide = None
            self.camera = stage.camera(self.preset, self._aspect)
        self._hold()

    def resize(self, width: int, height: int) -> None:
        """Keep the whole hand in a named view when the picture's shape changes."""
        self._aspect = width / max(1, height)
        if self.preset and self._glide is None and self._stage is not None:
            self.camera = self._stage.camera(self.preset, self._aspect)
            self._hold()

    def go_to(self, name: str, *, glide: bool) -> None:
        """Go to a named view, at once or gliding.

        Raises:
            ValueError: No view has this name.
        """
        if name not in PRESETS:
            raise ValueError(f"unknown view {name!r}; known: {', '.join(PRESETS)}")
        self.preset = name
        if self._stage is None:
            return
        goal = self._stage.camera(name, self._aspect)
        if glide:
            self._glide = (self.camera, goal, time.monotonic())
        else:
            self.camera, self._glide = goal, None
            self._hold()

    def move(self, camera: Camera) -> None:
        """Take a camera that was moved by hand."""
        self.camera, self._glide, self.preset = camera, None, ""
        self._hold()

    def advance(self) -> None:
        """Go on with a glide."""
        if self._glide is None:
            return
        start, goal, since = self._glide
        amount = min(1.0, (time.monotonic() - since) / _GLIDE_S)
        self.camera = start.blend(goal, amount * amount * (3.0 - 2.0 * amount))
        if amount >= 1.0:
            self._glide = None
            self._hold()

    def follow(self, on: bool) -> None:
        """Fix the camera to the palm, or let it go."""
        self._follow = np.zeros(3) if on else None
        self._hold()

    def keep_up(self) -> None:
        """Turn with the palm after the hand has turned, if it is followed."""
        if self._follow is not None and self._stage is not None and self._glide is None:
            direction = self._stage.poses.vectors_to_world(self._follow[None])[0]
            self.camera = self.camera.towards(direction)

    def _hold(self) -> None:
        """Remember the eye's direction in the hand frame."""
        if self._follow is not None and self._stage is not None:
            self._follow = self.camera.direction @ rotation_matrices(self._stage.poses.rotation)
