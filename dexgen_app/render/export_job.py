"""Export of a recording in a process of its own: ``python -m dexgen_app.render.export_job JSON``.

It prints the share that is done, a line a picture, and ends by SIGTERM without leaving half a file.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from dexgen_app.errors import DexgenError, RecordingError
from dexgen_app.render.camera import Camera
from dexgen_app.render.export import export_frames
from dexgen_app.render.palette import Theme
from dexgen_app.render.stage import Stage
from dexgen_app.render.thumbnails import recorded_object


@dataclass(frozen=True, kw_only=True)
class ExportJob:
    """What is exported, and how it looks.

    Attributes:
        path: ``.gif`` or ``.webp`` for an animation; else a folder of numbered PNG files.
        recording: The session file.
        episode: Number of the episode; -1 for the whole recording.
        start_s: First moment, from the start of the episode [s].
        stop_s: Last moment [s].
        speed: Playing speed relative to the recorded clock.
        fps: Pictures in a second of playing.
        size: Width and height [pixels].
        camera: Where the hand is seen from.
        theme: Palette.
        ghost: Whether the commanded hand is drawn.
        contacts: Whether contact forces are drawn.
    """

    path: str
    recording: str
    episode: int = -1
    start_s: float = 0.0
    stop_s: float = 0.0
    speed: float = 1.0
    fps: float = 25.0
    size: tuple[int, int] = (640, 480)
    camera: Camera
    theme: Theme = "dark"
    ghost: bool = True
    contacts: bool = True

    def to_json(self) -> str:
        """Return it as one line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ExportJob:
        """Return what ``to_json`` wrote."""
        values = json.loads(text)
        camera = values.pop("camera")
        camera["target"] = tuple(camera["target"])
        values["size"] = tuple(values["size"])
        return cls(**values, camera=Camera(**camera))


def run_export(job: ExportJob, progress: Callable[[float], bool] | None = None) -> Path:
    """Draw and write the pictures.

    Args:
        job: What is exported.
        progress: Told the share that is done; returning False ends the export there.

    Returns:
        The file or folder that was written.

    Raises:
        RecordingError: The recording cannot be read, or nothing can be written there.
        GraphicsError: OpenGL is not available.
    """
    from dexgen_app.kinematics.model import HandModel
    from dexgen_app.recording.reader import Recording

    recording = Recording.open(job.recording)
    rows = recording.rows if job.episode < 0 else recording.episode_rows(job.episode)
    if not len(rows):
        raise RecordingError("there are no rows to draw", where=job.recording)
    times = (rows["stamp_ns"] - rows["stamp_ns"][0]) / 1e9
    step = job.speed / job.fps
    count = max(1, int((job.stop_s - job.start_s) / step + 1e-6) + 1)
    wanted = job.start_s + step * np.arange(count)
    indices = np.searchsorted(times, wanted + 1e-6, side="right") - 1
    stage = Stage(HandModel(recording.hand), recorded_object(recording))
    stage.show_ghost, stage.show_contacts = job.ghost, job.contacts
    report = None if progress is None else (lambda done: progress(done / count))
    return export_frames(
        Path(job.path),
        stage,
        (rows[i] for i in np.clip(indices, 0, len(rows) - 1)),
        camera=job.camera,
        theme=job.theme,
        size=job.size,
        fps=job.fps,
        progress=report,
    )


def main(text: str) -> int:
    """Run the job of a JSON text; the last line names what was written."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def tell(share: float) -> bool:
        print(f"{share:.4f}", flush=True)
        return True

    try:
        print(run_export(ExportJob.from_json(text), tell), flush=True)
    except DexgenError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
