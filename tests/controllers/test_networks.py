from __future__ import annotations

import torch

from dexgen_controller_dexgen.networks import SIZES, MotionPrior


def make_prior() -> tuple[MotionPrior, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    prior = MotionPrior(48, 240, 2, SIZES["small"])
    for parameter in prior.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    state, mode = torch.randn(5, 240), torch.eye(2)[torch.tensor([0, 1, 1, 0, 0])]
    return prior, state, mode, torch.randn(5, 48)


def test_the_fast_denoiser_agrees_with_the_trained_one() -> None:
    prior, state, mode, motion = make_prior()
    with torch.inference_mode():
        denoise = prior.denoiser(state, mode)
        for step in (99, 40, 0, 40):
            steps = torch.full((5,), step)
            torch.testing.assert_close(
                denoise(motion, step), prior(motion, steps, state, mode), atol=1e-5, rtol=1e-4
            )


def test_draws_of_a_state_lie_one_after_another() -> None:
    prior, state, mode, _ = make_prior()
    motion, steps = torch.randn(15, 48), torch.tensor([3, 99, 40] * 5)
    with torch.inference_mode():
        each = [t.repeat_interleave(3, 0) for t in (state, mode)]
        torch.testing.assert_close(
            prior(motion, steps, state, mode), prior(motion, steps, *each), atol=1e-5, rtol=1e-4
        )


def test_changed_weights_reach_the_fast_denoiser() -> None:
    prior, state, mode, motion = make_prior()
    steps = torch.full((5,), 30)
    with torch.inference_mode():
        before = prior.denoiser(state, mode)(motion, 30)
    other = MotionPrior(48, 240, 2, SIZES["small"])
    prior.load_state_dict(other.state_dict())
    with torch.inference_mode():
        after = prior.denoiser(state, mode)(motion, 30)
        torch.testing.assert_close(after, other(motion, steps, state, mode), atol=1e-5, rtol=1e-4)
    assert (before - after).abs().max() > 1e-2
