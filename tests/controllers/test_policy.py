"""The controller over a batch of hands."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.policy import GuidedPolicy
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


def test_guidance_draws_the_increments_towards_the_command(weights: Path) -> None:
    command = torch.full((1, JOINTS), TRUSTED_WISH)
    apart = [
        float((act(weights, command, s) - act(weights, -command, s)).mean()) for s in (0.0, 1000.0)
    ]
    assert apart[0] == pytest.approx(0.0) and apart[1] > 0.2 * TRUSTED_WISH
