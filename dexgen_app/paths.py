"""Folders of the application. ``DEXGEN_HOME`` moves all of them under one folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_NAME = "dexgen-app"


def _folder(kind: str, default: str) -> Path:
    home = os.environ.get("DEXGEN_HOME")
    path = Path(home) / kind if home else Path(default)
    path.mkdir(parents=True, exist_ok=True)
    return path


def config_dir() -> Path:
    """Settings and calibration profiles."""
    return _folder("config", platformdirs.user_config_dir(_NAME, appauthor=False))


def cache_dir() -> Path:
    """What can be made again: simulator kernels, grasps, meshes."""
    return _folder("cache", platformdirs.user_cache_dir(_NAME, appauthor=False))


def data_dir() -> Path:
    """What the user makes: recordings, training runs, datasets."""
    return _folder("data", platformdirs.user_data_dir(_NAME, appauthor=False))


def recordings_dir() -> Path:
    """Session files."""
    path = data_dir() / "recordings"
    path.mkdir(parents=True, exist_ok=True)
    return path


def profiles_dir() -> Path:
    """Calibration profiles, one TOML file a person."""
    path = config_dir() / "profiles"
    path.mkdir(parents=True, exist_ok=True)
    return path


def runs_dir() -> Path:
    """Training runs, one folder a run."""
    path = data_dir() / "runs"
    path.mkdir(parents=True, exist_ok=True)
    return path
