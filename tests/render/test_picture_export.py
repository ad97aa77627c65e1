from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dexgen_app.errors import RecordingError
from dexgen_app.live.row import row_dtype
from dexgen_app.render.export import export_frames
from dexgen_app.render.stage import Stage


@pytest.fixture
def rows() -> np.ndarray:
    rows = np.zeros(4, row_dtype(2))
    rows["position"] = np.linspace(0.0, 1.0, 4)[:, None]
    rows["command"] = rows["target"] = rows["object_pose"] = np.nan
    rows["gravity"] = [0.0, 0.0, -1.0]
    return rows


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_has_a_frame_a_row(
    suffix: str, stage: Stage, rows: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "new" / f"hand{suffix}"
    camera = stage.camera("iso", 1.0)
    assert export_frames(path, stage, rows, camera=camera, size=(64, 64), fps=20) == path
    with Image.open(path) as image:
        assert image.n_frames == 4
        assert image.size == (64, 64)
        image.seek(1)
        image.load()
        assert image.info["duration"] == 50
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_folder_gets_numbered_pictures(stage: Stage, rows: np.ndarray, tmp_path: Path) -> None:
    folder = export_frames(
        tmp_path / "frames", stage, rows, camera=stage.camera("iso", 1.0), size=(64, 48)
    )
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"{k:05d}.png" for k in range(4)]
    first, last = (np.asarray(Image.open(file)) for file in (files[0], files[-1]))
    assert first.shape == (48, 64, 3)
    assert not np.array_equal(first, last)


def test_progress_can_end_it(stage: Stage, rows: np.ndarray, tmp_path: Path) -> None:
    told = []

    def progress(done: int) -> bool:
        told.append(done)
        return done < 2

    folder = export_frames(
        tmp_path / "frames",
        stage,
        rows,
        camera=stage.camera("iso", 1.0),
        size=(64, 48),
        progress=progress,
    )
    assert told == [1, 2]
    assert len(list(folder.iterdir())) == 2


def test_nothing_to_write_and_nowhere_to_write(
    stage: Stage, rows: np.ndarray, tmp_path: Path
) -> None:
    camera = stage.camera("iso", 1.0)
    with pytest.raises(RecordingError, match="nothing to write"):
        export_frames(tmp_path / "a.gif", stage, rows[:0], camera=camera, size=(64, 64))
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RecordingError, match="cannot be written"):
        export_frames(blocked / "a.gif", stage, rows, camera=camera, size=(64, 64))
