"""Fixtures for every test: an application home of its own and the recorded human hand."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_SCALE_FACTOR", "1")
os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("OMP_NUM_THREADS", "1")

_CLIP = Path(__file__).resolve().parents[2] / "shared" / "data" / "human_hand_landmarks.npy"


@pytest.fixture(autouse=True)
def dexgen_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own settings, recordings and profiles; simulator caches are shared."""
    home = tmp_path_factory.mktemp("home")
    from dexgen_app import paths

    cache = paths.cache_dir()
    (home / "cache").symlink_to(cache, target_is_directory=True)
    monkeypatch.setenv("DEXGEN_HOME", str(home))
    return home


@pytest.fixture
def human_clip_path() -> Path:
    """Path of a recorded human right hand, (300, 21, 3) [m], wrist at the origin."""
    if not _CLIP.exists():
        warnings.warn(f"the recorded human hand {_CLIP.name} is absent", stacklevel=1)
        pytest.skip(f"{_CLIP.name} is absent")
    return _CLIP


@pytest.fixture
def human_clip(human_clip_path: Path) -> np.ndarray:
    """The recorded human right hand, shape (300, 21, 3) [m]."""
    return np.load(human_clip_path)
