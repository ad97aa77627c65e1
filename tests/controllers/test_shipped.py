from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from dexgen_app.errors import InputError
from dexgen_controller_dexgen import shipped
from dexgen_hand_allegro.spec import LEFT, RIGHT


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    return tmp_path


def write(path: Path, **info: str) -> Path:
    save_file({"x": np.zeros(3, np.float32)}, path, {"info": json.dumps(info)})
    return path


def test_weights_serve_their_hand_and_its_mirror_image(folder: Path) -> None:
    path = write(folder / "b.safetensors", hand=RIGHT.id, mirror_hand=LEFT.id)
    (folder / "a.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0no model")
    assert shipped.weights_for(RIGHT) == path == shipped.weights_for(LEFT)
    assert shipped.missing(RIGHT) == ""


def test_missing_weights_come_with_the_command_that_makes_them(folder: Path) -> None:
    write(folder / "b.safetensors", hand="other", mirror_hand="")
    with pytest.raises(InputError, match="no weights for hand allegro_right"):
        shipped.weights_for(RIGHT)
    assert "build-controller --hand allegro_right" in shipped.missing(RIGHT)
