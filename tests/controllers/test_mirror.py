from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dexgen_app.errors import InputError, ModelError
from dexgen_controller_dexgen.history import HISTORY
from dexgen_controller_dexgen.mirror import joint_signs, load_for_hand
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.training import Trainer
from dexgen_hand_allegro.spec import LEFT, RIGHT

FLIP = torch.tensor([1.0, -1.0, 1.0])


def test_spread_joints_change_their_sign() -> None:
    signs = joint_signs(RIGHT, LEFT)
    turned = [name for name, sign in zip(RIGHT.joint_names, signs) if sign < 0]
    assert turned == ["ffj0", "mfj0", "rfj0"]


def test_a_hand_is_not_its_own_mirror_image() -> None:
    with pytest.raises(ModelError, match="not the mirror image"):
        joint_signs(RIGHT, RIGHT)


@pytest.fixture
def weights(store, tmp_path: Path) -> Path:
    config = TrainingConfig(steps=3, batch=64)
    trainer = Trainer(store, RIGHT, tmp_path / "run", config, LEFT)
    trainer.train_prior(lambda _: None)
    trainer.train_inverse(lambda _: None)
    trainer.model.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_the_left_hand_does_the_mirror_image_of_the_right(weights: Path) -> None:
    right, left = load_for_hand(weights, RIGHT), load_for_hand(weights, LEFT)
    signs = torch.tensor(right.info.mirror_signs)
    random = torch.Generator().manual_seed(0)
    state = torch.randn(5, right.state_size, generator=random)
    noise = torch.randn(5, right.motion_size, generator=random)
    command = 0.01 * torch.randn(5, 2, 8, 3, generator=random)
    step = torch.cat([FLIP.repeat(4), signs.repeat(3)])
    mirrored = state * step.repeat(HISTORY)
    mode = torch.zeros(5, dtype=torch.long)
    options = {"steps": 4, "strength": 1000.0}
    ours = right.sample_motion(state, mode, noise, command=command, **options)
    turned = (noise.view(5, -1, 3) * FLIP).flatten(1)
    theirs = left.sample_motion(mirrored, mode, turned, command=command * FLIP, **options)
    torch.testing.assert_close(theirs, ours * FLIP, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(
        left.increment(mirrored, theirs), right.increment(state, ours) * signs, atol=1e-6, rtol=1e-4
    )
    change = 0.05 * torch.randn(5, 16, generator=random)
    torch.testing.assert_close(
        left.motion(mirrored, change * signs),
        right.motion(state, change) * FLIP,
        atol=1e-6,
        rtol=1e-4,
    )


def test_a_third_hand_is_refused(weights: Path) -> None:
    with pytest.raises(InputError, match="another hand"):
        load_for_hand(weights, replace(RIGHT, id="other"))
