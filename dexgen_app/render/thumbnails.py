"""Small pictures of recordings for lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dexgen_app.errors import RecordingError
from dexgen_app.render.palette import Theme
from dexgen_app.render.renderer import Quality, SceneRenderer
from dexgen_app.render.stage import Stage
from dexgen_app.spec import ObjectSpec

if TYPE_CHECKING:
    from dexgen_app.recording.reader import Recording


class Thumbnailer:
    """Draws the middle row of recordings and episodes with one renderer.

    Raises:
        GraphicsError: OpenGL is not available.
    """

    def __init__(self, theme: Theme = "dark") -> None:
        self._renderer = SceneRenderer(theme)
        self._stages: dict[tuple[str, ObjectSpec | None], Stage] = {}

    def draw(
        self, recording: Recording, episode: int = -1, size: tuple[int, int] = (160, 120)
    ) -> np.ndarray:
        """Return a picture, shape (height, width, 3), uint8.

        Args:
            recording: A recording.
            episode: Number of an episode; -1 for the whole recording.
            size: Width and height [pixels].

        Raises:
            RecordingError: There is no such episode, or it holds no rows.
            ModelError: The hand's model is not installed or does not parse.
        """
        rows = recording.rows if episode < 0 else recording.episode_rows(episode)
        if not len(rows):
            raise RecordingError("there are no rows to draw", where=str(recording.path))
        stage = self._stage(recording)
        stage.show_row(rows[len(rows) // 2])
        stage.show_ghost = stage.show_contacts = False
        stage.apply(self._renderer)
        camera = stage.camera("iso", size[0] / size[1])
        return self._renderer.render(camera, size, Quality(samples=4))

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def _stage(self, recording: Recording) -> Stage:
        from dexgen_app.kinematics.model import HandModel

        key = (recording.hand_id, recorded_object(recording))
        if key not in self._stages:
            self._stages[key] = Stage(HandModel(recording.hand), key[1])
        return self._stages[key]


def recorded_object(recording: Recording) -> ObjectSpec | None:
    """Return the object of a recording, or None if nothing was recorded of one."""
    if not np.isfinite(recording.rows["object_pose"]).all(axis=1).any():
        return None
    return recording.session_config().scene.object
