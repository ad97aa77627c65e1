"""What a person is taken to ask for."""

from __future__ import annotations

import pytest
import torch

from dexgen_controller_dexgen.wish import (
    DOUBTED_WISH,
    LARGEST_WISH,
    TRUSTED_WISH,
    USUAL_WISH,
    WishFilter,
)


def take_one(size: float, boost: float = 5.0) -> tuple[float, float]:
    """Return size and trust of the first wish from a command of a size [rad]."""
    wish = WishFilter(0.1, 0.0, boost).take(torch.full((1, 16), size))
    return float(wish.asked.square().mean().sqrt()), float(wish.trust)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        (9.0, LARGEST_WISH),
        (0.03, 0.03),
        (0.01, USUAL_WISH),
        (0.002, 0.01),
        (0.0, 0.0),
    ],
)
def test_wishes_are_neither_too_small_nor_too_large(size: float, wanted: float) -> None:
    assert take_one(size)[0] == pytest.approx(wanted)


def test_a_boost_of_one_takes_small_commands_as_they_are() -> None:
    assert take_one(0.004, boost=1.0)[0] == pytest.approx(0.004)


def test_small_steady_commands_are_trusted_and_large_ones_less() -> None:
    assert take_one(TRUSTED_WISH)[1] == pytest.approx(1.0)
    assert take_one(0.5 * (TRUSTED_WISH + DOUBTED_WISH))[1] == pytest.approx(0.5)
    assert take_one(DOUBTED_WISH)[1] == pytest.approx(0.0)


def test_noise_cancels_out_and_a_reset_forgets() -> None:
    wishes = WishFilter(0.1, 0.2, 1.0)
    for sign in (1.0, -1.0) * 10:
        wish = wishes.take(torch.full((2, 16), 0.05 * sign)).asked
    assert float(wish.abs().max()) < 0.02
    wishes.reset(torch.tensor([True, False]))
    wish = wishes.take(torch.zeros(2, 16)).asked
    assert float(wish[0].abs().max()) == 0.0
    assert float(wish[1].abs().max()) > 0.0


def test_all_hands_and_some_begin_alike() -> None:
    wishes, command = WishFilter(0.1, 0.2, 1.0), torch.full((2, 16), 0.03)
    first = wishes.take(command).average.clone()
    wishes.take(command)
    wishes.reset(torch.tensor([True, False]))
    assert torch.equal(wishes.take(command).average[0], first[0])
    wishes.reset()
    assert torch.equal(wishes.take(command).average, first)


def test_what_is_asked_for_may_be_raised_and_the_average_tells_what_was_commanded() -> None:
    wish = WishFilter(0.1, 0.0, 5.0).take(torch.full((1, 16), 0.002))
    torch.testing.assert_close(wish.asked, 5.0 * wish.average)
    assert float(wish.average[0, 0]) == pytest.approx(0.002)
