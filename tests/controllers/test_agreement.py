"""How far commands agree with what the controller would do by itself."""

from __future__ import annotations

import pytest
import torch

from dexgen_controller_dexgen.agreement import Agreement

DT = 0.1
OWN = 0.02 * torch.eye(16)[:3]


def after(seconds: float, command: torch.Tensor) -> torch.Tensor:
    """Return the agreement after so long with the same command, shape (3,)."""
    agreement = Agreement(3, DT)
    for _ in range(round(seconds / DT)):
        found = agreement.take(command, OWN)
    return found[:, 0]


def test_it_is_the_cosine_of_the_angle_once_enough_was_commanded() -> None:
    found = after(10.0, torch.stack([OWN[0], -OWN[1], OWN[0]]))
    assert found.tolist() == pytest.approx([1.0, -1.0, 0.0], abs=0.5)
    assert found[0] > 0.5 and found[1] < -0.5 and found[2] == 0.0


def test_nothing_is_known_at_first_or_of_a_person_who_does_nothing() -> None:
    assert float(after(DT, OWN)[0]) < 0.1
    assert after(10.0, torch.zeros(3, 16)).tolist() == [0.0, 0.0, 0.0]


def test_noise_lessens_it_and_leaves_its_sign() -> None:
    random = torch.Generator().manual_seed(0)
    agreement = Agreement(200, DT)
    own = 0.02 * torch.randn(200, 16, generator=random)
    for _ in range(50):
        noise = 0.04 * torch.randn(200, 16, generator=random)
        found = agreement.take(own + noise, own)
    assert 0.2 < float(found.mean()) < 0.6 and float((found > 0.1).float().mean()) > 0.95


def test_hands_are_judged_each_for_itself() -> None:
    agreement = Agreement(3, DT)
    for _ in range(50):
        agreement.take(-OWN, OWN)
    chosen = torch.tensor([False, True, False])
    assert float(agreement.take(OWN[1:2], OWN[1:2], chosen)[0, 0]) < -0.3
    agreement.reset(torch.tensor([True, False, False]))
    found = agreement.take(torch.zeros(3, 16), OWN)[:, 0]
    assert found[0] == 0.0 and found[2] < -0.3
    agreement.reset()
    assert agreement.take(torch.zeros(3, 16), OWN)[:, 0].tolist() == [0.0, 0.0, 0.0]
