"""The controller over a batch of hands."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.policy import TRUST_STRENGTH, GuidedPolicy
from dexgen_controller_dexgen.wish import TRUSTED_WISH

JOINTS = 16


def act(weights: Path, command: torch.Tensor, strength: float) -> torch.Tensor:
    """Return the increments [rad] of a fresh policy in one state, shape (1, J)."""
    policy = GuidedPolicy(ControllerModel.load(weights), seed=3, smoothing=0.0, boost=1.0)
    policy.observe(torch.zeros(1, 4, 3), torch.zeros(1, JOINTS), torch.zeros(1, JOINTS))
    return policy.act(command, strength)[0]


def test_without_guidance_a_command_changes_nothing(weights: Path) -> None:
    one = act(weights, torch.full((1, JOINTS), TRUSTED_WISH), 0.0)
    other = act(weights, torch.full((1, JOINTS), -TRUSTED_WISH), 0.0)
    torch.testing.assert_close(one, other)


def test_a_small_command_is_done_as_it_is_the_more_the_stronger_the_guidance(weights: Path) -> None:
    command = torch.full((1, JOINTS), TRUSTED_WISH)
    prior = act(weights, command, 0.0)
    away = [
        float((act(weights, command, factor * TRUST_STRENGTH) - command).norm())
        for factor in (0.0, 1.0, 1e6)
    ]
    assert float((prior - command).norm()) == pytest.approx(away[0])
    assert away[0] > away[1] > away[2] and away[2] < 1e-4 * away[0]


def test_of_a_large_command_only_a_part_is_done(weights: Path) -> None:
    size = 2.0 * TRUSTED_WISH
    moved = [act(weights, torch.full((1, JOINTS), sign * size), 1e9) for sign in (1.0, -1.0)]
    # The prior's part hardly knows the command's sign: this one is untrained.
    assert float((moved[0] - moved[1]).mean()) < 0.9 * 2.0 * size
