"""The controller over a batch of hands."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.policy import TRUST_STRENGTH, GuidedPolicy
from dexgen_controller_dexgen.wish import DOUBTED_WISH, TRUSTED_WISH
from tests.controllers.conftest import see

JOINTS = 16


def act(weights: Path, command: torch.Tensor, strength: float) -> torch.Tensor:
    """Return the increments [rad] of a fresh policy in one state, shape (1, J)."""
    policy = GuidedPolicy(ControllerModel.load(weights), seed=3, smoothing=0.0, boost=1.0)
    see(policy, 1)
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


def follow(weights: Path, own: torch.Tensor, command: torch.Tensor, steps: int) -> torch.Tensor:
    """Return the increments [rad] after some steps by a controller whose own never change."""
    policy = GuidedPolicy(ControllerModel.load(weights), smoothing=0.0, boost=1.0)
    policy.model.increment = lambda state, motion: own.expand(len(state), -1)
    see(policy, 40)
    for _ in range(steps):
        found = policy.act(command, TRUST_STRENGTH)[0]
    return found


def test_what_a_person_means_is_a_share_of_what_the_hand_does(weights: Path) -> None:
    own = torch.full((1, JOINTS), 0.008)
    torch.testing.assert_close(follow(weights, own, 5.0 * own, 50), 3.0 * own)


def test_a_command_close_to_the_own_motion_goes_through_nearly_as_it_is(weights: Path) -> None:
    own = torch.full((1, JOINTS), 0.01)
    torch.testing.assert_close(follow(weights, own, 0.5 * own, 50), 0.5 * own, rtol=0.15, atol=0.0)


def test_who_goes_against_the_controllers_own_motion_is_not_trusted(weights: Path) -> None:
    own = torch.full((1, JOINTS), 0.01)
    torch.testing.assert_close(follow(weights, own, -2.0 * own, 50), own)


def test_a_command_that_noise_made_large_is_left_to_the_prior(weights: Path) -> None:
    own = torch.full((1, JOINTS), 0.01)
    torch.testing.assert_close(follow(weights, own, torch.full_like(own, DOUBTED_WISH), 50), own)


def test_how_far_a_close_command_counts_after_a_reset(weights: Path) -> None:
    policy = GuidedPolicy(ControllerModel.load(weights), 2)
    found = []
    for _ in range(40):
        see(policy, 1, hands=2)
        found.append(policy.engagement()[0])
    engaged = torch.stack(found)
    assert float(engaged[:10].max()) == 0.0 and float(engaged[29:].min()) == 1.0
    torch.testing.assert_close(engaged[19], torch.tensor(0.5))
    policy.reset(torch.tensor([True, False]))
    assert policy.engagement().tolist() == [0.0, 1.0]


@pytest.mark.parametrize("close", (True, False))
def test_a_close_command_is_faded_in_and_a_large_one_is_not(weights: Path, close: bool) -> None:
    own = torch.full((1, JOINTS), 0.01)
    command = 0.5 * own if close else 4.0 * own
    moved = []
    for steps in (10, 20, 30):
        policy = GuidedPolicy(ControllerModel.load(weights), smoothing=0.0, boost=1.0)
        policy.model.increment = lambda state, motion: own.expand(len(state), -1)
        see(policy, steps)
        found = policy.act(command, 1e9)[0]
        moved.append(float(((found - own) / (command - own)).mean()))
    assert moved == pytest.approx([0.0, 0.5, 1.0] if close else [1.0, 1.0, 1.0], abs=0.01)


def test_where_only_tips_are_guided_the_middle_joints_are_not_the_persons(weights: Path) -> None:
    policy = GuidedPolicy(ControllerModel.load(weights), smoothing=0.0, boost=1.0)
    policy.model.increment = lambda state, motion: torch.zeros(len(state), JOINTS)
    see(policy, 1)
    small = torch.full((1, JOINTS), TRUSTED_WISH)
    only_tips = torch.tensor([0.0] * 4 + [1.0] * 4)
    assert float(policy.act(small, 1000.0)[0].abs().max()) > 0.0
    assert float(policy.act(small, 1000.0, only_tips)[0].abs().max()) == 0.0
