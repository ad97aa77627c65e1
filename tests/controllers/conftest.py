"""A small transition store of a hand that sways, so that motion follows from the targets."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from dexgen_app.learn.grasp_set import grasp_path
from dexgen_app.learn.transitions import TransitionFormat, TransitionStore, TransitionWriter
from dexgen_app.spec import ObjectSpec
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.policy import GuidedPolicy
from dexgen_controller_dexgen.training import Trainer
from dexgen_hand_allegro.spec import RIGHT


def sway(
    folder: Path,
    episodes: int = 12,
    steps: int = 40,
    seed: int = 0,
    *,
    mode: int = 0,
    size: float = 0.03,
) -> TransitionStore:
    """Write episodes in which keypoints are a fixed linear map of joints that follow targets.

    Args:
        folder: Where they are written.
        episodes: How many.
        steps: Steps in each.
        seed: Seed of the targets' increments.
        mode: Mode label.
        size: Standard deviation of the increments [rad].
    """
    rng = np.random.default_rng(seed)
    layout = TransitionFormat.of(RIGHT, 0.1, ("default", "precision"))
    mixing = np.random.default_rng(1).normal(scale=0.02, size=(16, 24))
    writer = TransitionWriter(folder, layout, {"seed": seed})
    for episode in range(episodes):
        increments = rng.normal(scale=size, size=(steps, 16))
        target = np.cumsum(increments, axis=0) + np.array(RIGHT.grasp)
        position = np.concatenate([target[:1], target[:-1]])
        following = np.concatenate([target[1:], target[-1:]])
        writer.append(
            {
                "position": position,
                "target": target,
                "next_target": following,
                "keypoints": position @ mixing,
                "gravity": np.tile([-1.0, 0.0, 0.0], (steps, 1)),
                "mode": np.full(steps, mode),
                "clean": np.ones(steps),
                "episode": np.full(steps, episode),
                "step": np.arange(steps),
            }
        )
    writer.flush()
    return TransitionStore(folder)


def quiet(_text: str) -> None:
    pass


def see(policy: GuidedPolicy, steps: int, hands: int = 1) -> None:
    """Let the hands be at rest at zero for some steps."""
    rest = torch.zeros(hands, 16)
    for _ in range(steps):
        policy.observe(torch.zeros(hands, 4, 3), rest, rest)


def train(store: TransitionStore, folder: Path, config: TrainingConfig) -> ControllerModel:
    """Train all networks of a model and return it."""
    trainer = Trainer(store, RIGHT, folder, config)
    trainer.train_prior(quiet)
    trainer.train_inverse(quiet)
    trainer.train_forward(quiet)
    return trainer.model


@pytest.fixture
def store(tmp_path: Path) -> TransitionStore:
    return sway(tmp_path / "data")


@pytest.fixture
def weights(store: TransitionStore, tmp_path: Path) -> Path:
    """Return the file of a model that was hardly trained."""
    trainer = Trainer(store, RIGHT, tmp_path / "run", TrainingConfig(steps=1, batch=16))
    trainer.model.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture
def grasps(dexgen_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped grasps in a cache of their own."""
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path / "home"))
    path = grasp_path(RIGHT, ObjectSpec())
    path.parent.mkdir(parents=True)
    shipped = Path(__file__).parents[2] / "skills/dexgen_skill_anygrasp/weights"
    shutil.copyfile(shipped / "allegro_right_grasps.safetensors", path)
