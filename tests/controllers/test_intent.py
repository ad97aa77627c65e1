"""What a person means, seen beside what the controller would do by itself."""

from __future__ import annotations

import pytest
import torch

from dexgen_controller_dexgen.intent import Intent
from dexgen_controller_dexgen.wish import LARGEST_WISH, USUAL_WISH, Wish

DT = 0.1
OWN = torch.zeros(3, 16)
OWN[:, :4] = 0.02


def wish(command: torch.Tensor, least: float = 0.0) -> Wish:
    """Return fully trusted wishes, not averaged."""
    sizes = torch.full((len(command), 1), least)
    return Wish(command, command, command, sizes, torch.ones(len(command), 1))


def after(seconds: float, command: torch.Tensor) -> torch.Tensor:
    """Return the trust after so long with the same command, shape (3,)."""
    intent = Intent(3, 16, DT)
    for _ in range(round(seconds / DT)):
        _, trust = intent.take(wish(command), OWN)
    return trust[:, 0]


def test_trust_grows_with_the_angle_between_command_and_own_motion() -> None:
    across = OWN.roll(4, 1)
    found = after(10.0, torch.stack([OWN[0], -OWN[0], across[0]]))
    assert found.tolist() == pytest.approx([1.0, 0.0, 0.5])


def test_nothing_is_known_at_first_or_of_a_person_who_does_nothing() -> None:
    assert 0.5 < float(after(DT, 0.2 * OWN)[0]) < 1.0
    assert after(10.0, torch.zeros(3, 16)).tolist() == pytest.approx([0.5] * 3)


def test_noise_hides_neither_agreement_nor_what_is_meant() -> None:
    random = torch.Generator().manual_seed(0)
    intent = Intent(200, 16, DT)
    extra = 0.01 * torch.randn(200, 16, generator=random)
    for _ in range(50):
        # The own motion changes at every step: nothing of it may be averaged away.
        own = 0.02 * torch.randn(200, 16, generator=random)
        noise = 0.02 * torch.randn(200, 16, generator=random)
        meant, trust = intent.take(wish(own + extra + noise), own)
    assert float((trust > 0.9).float().mean()) > 0.95
    assert float((meant - own - extra).square().mean().sqrt()) < 0.5 * 0.02


def test_what_is_meant_is_neither_too_small_nor_too_large() -> None:
    intent = Intent(3, 16, DT)
    tiny = torch.full((3, 16), 1e-3)
    meant, _ = intent.take(wish(tiny, least=USUAL_WISH), tiny)
    torch.testing.assert_close(meant, torch.full((3, 16), USUAL_WISH))
    for _ in range(30):
        meant, _ = intent.take(wish(torch.full((3, 16), 0.1)), tiny)
    torch.testing.assert_close(meant, torch.full((3, 16), LARGEST_WISH))


def test_hands_are_judged_each_for_itself() -> None:
    intent = Intent(3, 16, DT)
    for _ in range(50):
        intent.take(wish(-OWN), OWN)
    chosen = torch.tensor([False, True, False])
    _, trust = intent.take(wish(OWN[1:2]), OWN[1:2], chosen)
    assert trust.shape == (1, 1) and float(trust) == 0.0
    intent.reset(torch.tensor([True, False, False]))
    _, trust = intent.take(wish(torch.zeros(3, 16)), OWN)
    assert trust[:, 0].tolist() == [0.5, 0.0, 0.0]
    intent.reset()
    meant, trust = intent.take(wish(torch.zeros(3, 16)), torch.zeros(3, 16))
    assert trust[:, 0].tolist() == [0.5, 0.5, 0.5] and float(meant.abs().max()) == 0.0
