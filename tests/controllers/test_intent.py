"""What a person means, seen beside what the controller would do by itself."""

from __future__ import annotations

import pytest
import torch

from dexgen_controller_dexgen.intent import CLOSE, FAR, Intent
from dexgen_controller_dexgen.wish import LARGEST_WISH, USUAL_WISH, Wish

DT = 0.1
OWN = torch.zeros(3, 16)
OWN[:, :4] = 0.08
SKILLED = 0.36 * OWN
"""As large as the motion that the controller learned from: 0.0145 rad."""


def wish(command: torch.Tensor, least: float = 0.0) -> Wish:
    """Return fully trusted wishes, not averaged."""
    column = torch.ones(len(command), 1)
    return Wish(command, command, command, least * column, column)


def after(seconds: float, command: torch.Tensor) -> torch.Tensor:
    """Return the trust after so long with the same command, shape (3,)."""
    intent = Intent(3, 16, DT)
    for _ in range(round(seconds / DT)):
        _, trust, _ = intent.take(wish(command), OWN)
    return trust[:, 0]


def test_trust_grows_with_the_angle_between_command_and_own_motion() -> None:
    across = OWN.roll(4, 1)
    found = after(10.0, torch.stack([OWN[0], -OWN[0], across[0]]))
    assert found.tolist() == pytest.approx([1.0, 0.0, 0.5])


def test_nothing_is_known_at_first_or_of_a_person_who_does_nothing() -> None:
    assert 0.5 < float(after(DT, 0.02 * OWN)[0]) < 1.0
    assert after(10.0, torch.zeros(3, 16)).tolist() == pytest.approx([0.5] * 3)


def test_noise_hides_neither_agreement_nor_what_is_meant() -> None:
    random = torch.Generator().manual_seed(0)
    intent = Intent(200, 16, DT)
    extra = 0.01 * torch.randn(200, 16, generator=random)
    for _ in range(50):
        # The own motion changes at every step: nothing of it may be averaged away.
        own = 0.02 * torch.randn(200, 16, generator=random)
        noise = 0.04 * torch.randn(200, 16, generator=random)
        meant, trust, _ = intent.take(wish(own + extra + noise), own)
    assert float((trust > 0.9).float().mean()) > 0.95
    assert float((meant - own - extra).square().mean().sqrt()) < 0.5 * 0.04


def test_what_is_meant_is_neither_too_small_nor_too_large() -> None:
    intent = Intent(3, 16, DT)
    own = torch.full((3, 16), -0.04)
    meant, _, _ = intent.take(wish(torch.full((3, 16), 0.004), least=USUAL_WISH), own)
    torch.testing.assert_close(meant, torch.full((3, 16), USUAL_WISH))
    for _ in range(30):
        meant, _, _ = intent.take(wish(torch.full((3, 16), 0.1)), own)
    torch.testing.assert_close(meant, torch.full((3, 16), LARGEST_WISH))


def test_a_first_command_is_meant_as_much_as_a_later_one() -> None:
    intent = Intent(3, 16, DT)
    command = torch.full((3, 16), 0.03)
    for _ in range(3):
        meant, _, _ = intent.take(wish(command), OWN.roll(4, 1) * 0.1)
        torch.testing.assert_close(meant, command)
        intent.reset(torch.tensor([False, True, False]))


def closeness(distance: float) -> list[float]:
    """Return how close commands are that far [rad] from the own motion, at each of 30 steps."""
    intent = Intent(3, 16, DT)
    away = torch.full((3, 16), distance)
    return [float(intent.take(wish(OWN + away), OWN)[2][0]) for _ in range(30)]


def test_commands_near_the_own_motion_are_close_from_the_first_on() -> None:
    middle = 0.5 * (CLOSE + FAR)
    assert [closeness(d)[-1] for d in (0.0, 0.9 * CLOSE, middle, 1.1 * FAR)] == pytest.approx(
        [1.0, 1.0, 0.5, 0.0], abs=0.01
    )
    for distance, known in ((0.0, 1.0), (middle, 0.5), (FAR, 0.0)):
        assert closeness(distance) == pytest.approx([known] * len(closeness(distance)), abs=0.01)


def test_a_joint_at_full_speed_is_never_close() -> None:
    intent = Intent(3, 16, DT)
    command = torch.zeros(3, 16)
    command[:, 10] = 0.1
    for _ in range(30):
        _, _, close = intent.take(wish(command), SKILLED)
    assert float(close.max()) == 0.0


def test_a_close_command_is_meant_as_it_is_and_trusted_sooner() -> None:
    # An eighth of the way against the own motion.
    command = 0.5 * SKILLED.roll(4, 1) - 0.0625 * SKILLED
    near, far = Intent(3, 16, DT), Intent(3, 16, DT)
    for _ in range(50):
        meant, trust, _ = near.take(wish(command), SKILLED)
        _, doubt, _ = far.take(wish(8.0 * command), SKILLED)
    torch.testing.assert_close(meant, command)
    assert float(doubt[0]) < 0.3 < float(trust[0])


def test_hands_are_judged_each_for_itself() -> None:
    intent = Intent(3, 16, DT)
    for _ in range(50):
        intent.take(wish(-OWN), OWN)
    chosen = torch.tensor([False, True, False])
    _, trust, _ = intent.take(wish(OWN[1:2]), OWN[1:2], chosen)
    assert trust.shape == (1, 1) and float(trust) == 0.0
    intent.reset(torch.tensor([True, False, False]))
    _, trust, _ = intent.take(wish(torch.zeros(3, 16)), OWN)
    assert trust[:, 0].tolist() == [0.5, 0.0, 0.0]
    intent.reset()
    meant, trust, _ = intent.take(wish(torch.zeros(3, 16)), torch.zeros(3, 16))
    assert float(trust.min()) >= 0.5 and float(meant.abs().max()) == 0.0
