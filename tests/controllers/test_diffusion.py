from __future__ import annotations

import pytest
import torch

from dexgen_controller_dexgen.diffusion import GUIDANCE_LENGTH, Guidance, Schedule, sample


def wavy(x: torch.Tensor, step: int) -> torch.Tensor:
    return torch.sin(3.0 * x) * 0.7 + 0.01 * step


# The scheduler's strides are whole numbers: 8 and 12 steps need a chain that they divide.
@pytest.mark.parametrize(("train_steps", "steps"), [(100, 5), (100, 20), (96, 8), (96, 12)])
def test_sampler_agrees_with_diffusers(train_steps: int, steps: int) -> None:
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.DDIMScheduler(
        num_train_timesteps=train_steps,
        beta_schedule="squaredcos_cap_v2",
        clip_sample=True,
        clip_sample_range=4.0,
        timestep_spacing="trailing",
        prediction_type="epsilon",
    )
    theirs.set_timesteps(steps)
    noise = torch.randn(3, 7, generator=torch.Generator().manual_seed(0))
    x = noise
    for step in theirs.timesteps:
        x = theirs.step(wavy(x, int(step)), step, x, use_clipped_model_output=True).prev_sample
    ours = sample(wavy, Schedule(train_steps), noise, steps)
    torch.testing.assert_close(ours, x, atol=1e-4, rtol=1e-4)


def exact_noise(schedule: Schedule, std: torch.Tensor):
    """Return the best noise predictor for data that is Gaussian with standard deviation std."""

    def predict(x: torch.Tensor, step: int) -> torch.Tensor:
        level = schedule.alpha_bar[step]
        return x * (1 - level).sqrt() / (level * std**2 + 1 - level)

    return predict


def test_no_guidance_is_the_prior() -> None:
    schedule, std = Schedule(), torch.full((6,), 0.8)
    noise = torch.randn(50, 6, generator=torch.Generator().manual_seed(1))
    predict = exact_noise(schedule, std)
    pull = Guidance(torch.zeros(6), torch.full((6,), 1e-3)).toward(torch.ones(50, 6), 0.0)
    alone = sample(predict, schedule, noise, 8)
    torch.testing.assert_close(sample(predict, schedule, noise, 8, pull=pull), alone)


def test_following_grows_with_strength() -> None:
    schedule, size = Schedule(), 6
    noise = torch.randn(500, size, generator=torch.Generator().manual_seed(2))
    predict = exact_noise(schedule, torch.ones(size))
    mean, std = torch.zeros(size), torch.full((size,), 8e-4)
    guidance = Guidance(mean, std)
    command = torch.full((500, size), 8e-4)
    reached = []
    for strength in (0.0, 300.0, 1000.0, 3000.0):
        pull = guidance.toward(command, strength)
        motion = sample(predict, schedule, noise, 8, pull=pull) * std
        reached.append(float((motion * command).mean() / command.square().mean()))
    assert abs(reached[0]) < 0.05
    assert reached == sorted(reached)
    # A standard normal prior times exp(-a |x - c|^2) has its mean at 2 a c / (1 + 2 a).
    share = 2 * 3000.0 * GUIDANCE_LENGTH**2
    assert reached[-1] == pytest.approx(share / (1 + share), abs=0.1)


def test_strength_does_not_depend_on_the_scale_of_the_data() -> None:
    small, large = (Guidance(torch.zeros(3), torch.full((3,), s)) for s in (2e-3, GUIDANCE_LENGTH))
    assert float(small.spread) == pytest.approx(2e-3)
    assert float(large.per_square_metre(torch.tensor(1000.0))) == pytest.approx(1000.0)
    assert float(small.per_square_metre(torch.tensor(1000.0))) == pytest.approx(
        1000.0 * (GUIDANCE_LENGTH / 2e-3) ** 2
    )
    start = torch.ones(2, 3)
    pulled = [g.toward(torch.zeros(2, 3), 800.0)(start, 0.5) for g in (small, large)]
    torch.testing.assert_close(pulled[0], pulled[1])


def test_pull_is_bounded_and_can_be_masked() -> None:
    guidance = Guidance(torch.zeros(2), torch.full((2,), 1e-3), bound=0.9)
    pull = guidance.toward(torch.zeros(1, 2), 1e9, torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(pull(torch.ones(1, 2), 1.0), torch.tensor([[0.1, 1.0]]))
