"""Writes rows of a recording as pictures or as an animation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from dexgen_app.errors import RecordingError
from dexgen_app.files import replacing
from dexgen_app.render.camera import Camera
from dexgen_app.render.palette import Theme
from dexgen_app.render.renderer import Quality, SceneRenderer
from dexgen_app.render.stage import Stage

ANIMATIONS = (".gif", ".webp")
_BEST = Quality(samples=4)


def export_frames(
    path: Path,
    stage: Stage,
    rows: Iterable[np.void],
    *,
    camera: Camera,
    theme: Theme = "dark",
    size: tuple[int, int] = (640, 480),
    fps: float = 25.0,
    progress: Callable[[int], bool] | None = None,
) -> Path:
    """Draw rows one after another and write them.

    Args:
        path: ``.gif`` or ``.webp`` for an animation that repeats; else a folder for PNG files
            ``00000.png`` and so on.
        stage: Shows the rows; it is left at the last one.
        rows: Rows of ``row_dtype``.
        camera: Where they are seen from.
        theme: Palette.
        size: Width and height [pixels].
        fps: Pictures in a second.
        progress: Told the number of pictures that are drawn; returning False ends the export
            with what is drawn so far.

    Returns:
        The file or folder that was written.

    Raises:
        RecordingError: There are no rows, or nothing can be written there.
        GraphicsError: OpenGL is not available.
    """
    renderer = SceneRenderer(theme)
    try:
        frames = _frames(renderer, stage, rows, camera, size, progress)
        if path.suffix.lower() in ANIMATIONS:
            _write_animation(path, frames, fps)
        else:
            _write_folder(path, frames)
    except OSError as error:
        raise RecordingError(
            f"the pictures cannot be written ({error.strerror or error})",
            where=str(path),
            remedy="Choose a folder that you may write to",
        ) from error
    finally:
        renderer.close()
    return path


def _frames(
    renderer: SceneRenderer,
    stage: Stage,
    rows: Iterable[np.void],
    camera: Camera,
    size: tuple[int, int],
    progress: Callable[[int], bool] | None,
) -> Iterator[Image.Image]:
    for number, row in enumerate(rows, start=1):
        stage.show_row(row)
        stage.apply(renderer)
        yield Image.fromarray(renderer.render(camera, size, _BEST))
        if progress is not None and not progress(number):
            return


def _write_animation(path: Path, frames: Iterator[Image.Image], fps: float) -> None:
    first = next(frames, None)
    if first is None:
        raise RecordingError("there is nothing to write", where=str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix[1:].upper()
    options: dict[str, object] = {"quality": 80, "method": 2}
    if kind == "GIF":
        # One palette and no dithering: a third of the size. An octree keeps small bright parts.
        octree = Image.Quantize.FASTOCTREE
        first = first.quantize(255, method=octree, dither=Image.Dither.NONE)
        palette = first
        frames = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
        options = {"optimize": False, "disposal": 1}
    with replacing(path) as part:
        first.save(
            part,
            kind,
            save_all=True,
            append_images=frames,
            duration=round(1000.0 / fps),
            loop=0,
            **options,
        )


def _write_folder(path: Path, frames: Iterator[Image.Image]) -> None:
    path.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        frame.save(path / f"{number:05d}.png")
