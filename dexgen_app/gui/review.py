"""Offline review: plays a recording in the 3D view on the recorded clock."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, QSize, pyqtSignal
from PyQt6.QtGui import QImage

from dexgen_app.errors import RecordingError
from dexgen_app.gui import theme
from dexgen_app.gui.review_events import timeline_events
from dexgen_app.gui.timeline import Timeline
from dexgen_app.gui.view3d import HandView
from dexgen_app.render.export_job import ExportJob
from dexgen_app.render.thumbnails import Thumbnailer, recorded_object

if TYPE_CHECKING:
    from dexgen_app.recording.reader import Recording


class ReviewController(QObject):
    """Connects a recording, the 3D view and the timeline.

    Args:
        view: Shows the rows.
        timeline: Chooses the moment.
        parent: Owner.

    Signals:
        row_changed: The row that is shown (``numpy.void`` of ``row_dtype``) and its index into
            ``rows``.
        opened: The recording.
        closed: Nothing is reviewed any more.
    """

    row_changed = pyqtSignal(object, int)
    opened = pyqtSignal(object)
    closed = pyqtSignal()

    def __init__(self, view: HandView, timeline: Timeline, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view, self._timeline = view, timeline
        self.recording: Recording | None = None
        self.episode = -1
        self.rows = np.zeros(0)
        self.times_s = np.zeros(0)
        self.index = -1
        timeline.position_changed.connect(self._show_time)

    def open(self, source: str | Path | Recording, episode: int = -1) -> None:
        """Show a recording, or one episode of it, from its first row.

        Args:
            source: A session file, or a recording that is already read.
            episode: Number of the episode; -1 for the whole recording.

        Raises:
            RecordingError: The file cannot be read, or holds no rows.
            ModelError: The hand's model is not installed or does not parse.
        """
        from dexgen_app.recording.reader import Recording

        recording = source if isinstance(source, Recording) else Recording.open(source)
        rows = recording.rows if episode < 0 else recording.episode_rows(episode)
        if not len(rows):
            raise RecordingError(
                "the recording holds no rows"
                if episode < 0
                else f"episode {episode} holds no rows",
                where=str(recording.path),
                remedy="Choose another recording",
            )
        self._view.set_hand(recording.hand, recorded_object(recording))
        self.recording, self.episode, self.rows = recording, episode, rows
        self.times_s = (rows["stamp_ns"] - rows["stamp_ns"][0]) / 1e9
        self.index = -1
        steps = np.diff(self.times_s)
        self._timeline.set_live(False)
        self._timeline.set_review(True)
        self._timeline.set_events(timeline_events(recording, rows))
        self._timeline.set_duration(
            float(self.times_s[-1]), float(np.median(steps)) if len(steps) else 1.0 / 60.0
        )
        self.opened.emit(recording)

    def close(self) -> None:
        """Let go of the recording; the view keeps its last picture."""
        if self.recording is None:
            return
        self.recording, self.rows, self.times_s, self.index = None, np.zeros(0), np.zeros(0), -1
        self._timeline.set_review(False)
        self._timeline.set_events(())
        self._timeline.set_duration(0.0)
        self.closed.emit()

    def index_at(self, time_s: float) -> int:
        """Return the index of the last row that is not after a time [s]."""
        index = int(np.searchsorted(self.times_s, time_s + 1e-6, side="right")) - 1
        return int(np.clip(index, 0, len(self.times_s) - 1))

    def export_job(
        self, path: str | Path, size: tuple[int, int] = (640, 480), fps: float = 25.0
    ) -> ExportJob:
        """Describe an export of the range between the marks, as the view shows it.

        Args:
            path: ``.gif`` or ``.webp`` for an animation; else a folder of numbered PNG files.
            size: Width and height [pixels].
            fps: Pictures in a second of playing.

        Raises:
            RecordingError: Nothing is open.
        """
        stage = self._view.stage
        if self.recording is None or stage is None:
            raise RecordingError("no recording is open", remedy="Open one in Review")
        start, stop = self._timeline.range
        return ExportJob(
            path=str(path),
            recording=str(self.recording.path),
            episode=self.episode,
            start_s=start,
            stop_s=stop,
            speed=self._timeline.speed,
            fps=fps,
            size=size,
            camera=self._view.camera,
            theme=self._view.theme,
            ghost=stage.show_ghost,
            contacts=stage.show_contacts,
        )

    def _show_time(self, time_s: float) -> None:
        if self.recording is None:
            return
        index = self.index_at(time_s)
        if index != self.index:
            self.index = index
            row = self.rows[index]
            self._view.set_row(row)
            self.row_changed.emit(row, index)


def thumbnail(recording: Recording, episode: int = -1, size: QSize | None = None) -> QImage:
    """Return a picture of the middle of a recording or of one of its episodes.

    Raises:
        RecordingError: There is no such episode or it holds no rows.
        ModelError: The hand's model is not installed or does not parse.
        GraphicsError: OpenGL is not available.
    """
    size = size or QSize(160, 120)
    dark = theme.colors().dark
    pixels = _thumbnailer(dark).draw(recording, episode, (size.width(), size.height()))
    height, width = pixels.shape[:2]
    return QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


@cache
def _thumbnailer(dark: bool) -> Thumbnailer:
    return Thumbnailer("dark" if dark else "light")
