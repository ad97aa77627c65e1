"""Cosine noise schedule, DDIM sampling and guidance in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

TRAIN_STEPS = 100
GUIDANCE_LENGTH = 0.03
"""Standard deviation [m] that a data set's motion is scaled to before guidance is measured."""


class Schedule:
    """A cosine schedule (Nichol and Dhariwal 2021) and its DDIM sub-schedule.

    Args:
        train_steps: Diffusion steps in training.
    """

    def __init__(self, train_steps: int = TRAIN_STEPS) -> None:
        self.train_steps = train_steps
        offset = 0.008
        grid = torch.linspace(0.0, 1.0, train_steps + 1, dtype=torch.float64)
        level = torch.cos((grid + offset) / (1.0 + offset) * math.pi / 2.0) ** 2
        betas = (1.0 - level[1:] / level[:-1]).clamp(max=0.999)
        self.betas = betas
        self.alpha_bar = torch.cumprod(1.0 - betas, dim=0).float()
        self._levels = self.alpha_bar.tolist()

    def add_noise(
        self, clean: torch.Tensor, noise: torch.Tensor, step: torch.Tensor
    ) -> torch.Tensor:
        """Return the noisy sample at ``step``, shapes (n, d), (n, d) and (n,)."""
        level = self.alpha_bar.to(clean.device)[step][:, None]
        return level.sqrt() * clean + (1.0 - level).sqrt() * noise

    def ddim_steps(self, count: int) -> list[int]:
        """Return ``count`` training steps from noisy to clean, evenly spaced from the last one."""
        stride = self.train_steps / count
        return [round(self.train_steps - index * stride) - 1 for index in range(count)]

    def level(self, step: int) -> float:
        """Return the share of the clean sample's variance at ``step``; all of it at -1."""
        return 1.0 if step < 0 else self._levels[step]

    def variance(self, step: int, following: int) -> float:
        """Return the posterior variance of the jump from ``step`` to ``following`` (-1: clean).

        Deterministic DDIM has none of its own; guidance takes this one (Ho et al. 2020, eq. 7,
        for the strided chain).
        """
        now, then = self.level(step), self.level(following)
        return (1.0 - then) / (1.0 - now) * (1.0 - now / then)


def sample(
    predict_noise: Callable[[torch.Tensor, int], torch.Tensor],
    schedule: Schedule,
    noise: torch.Tensor,
    steps: int,
    *,
    pull: Callable[[torch.Tensor, float], torch.Tensor] | None = None,
    clip: float = 4.0,
) -> torch.Tensor:
    """Draw a sample with deterministic DDIM (Song et al. 2021, eq. 12).

    Args:
        predict_noise: ``(sample (n, d), diffusion step) -> noise (n, d)``.
        schedule: The noise schedule.
        noise: Start, shape (n, d).
        steps: Number of DDIM steps.
        pull: ``(denoised (n, d), variance) -> denoised``: guidance, applied to the denoised
            sample of each step with that step's variance.
        clip: Bound of the denoised sample, in standard deviations.

    Returns:
        The sample, shape (n, d).
    """
    x = noise
    chain = schedule.ddim_steps(steps)
    for step, following in zip(chain, [*chain[1:], -1]):
        now, then = schedule.level(step), schedule.level(following)
        epsilon = predict_noise(x, step)
        denoised = torch.add(x, epsilon, alpha=-math.sqrt(1.0 - now)).mul_(1.0 / math.sqrt(now))
        denoised.clamp_(-clip, clip)
        if pull is not None:
            denoised = pull(denoised, schedule.variance(step, following))
        # With the noise that is left in x beside the denoised sample.
        kept = math.sqrt((1.0 - then) / (1.0 - now))
        x = (kept * x).add_(denoised, alpha=math.sqrt(then) - kept * math.sqrt(now))
    return x


class Guidance:
    """Pulls a denoised motion towards a command.

    The distance is Dist = sum over steps and keypoints of |dx - dx_command|^2 and a step moves
    the sample by -strength * variance * gradient (DexterityGen, section III-D). A data set whose
    motions are millimetres would need a strength a hundred times that of one with centimetres,
    so the distance is measured on motion scaled to a standard deviation of ``GUIDANCE_LENGTH``:
    ``strength`` is in 1/m^2 of that scaled motion, and its useful range is that of the paper.

    Args:
        mean: Mean of the data's motion [m], shape (d,), or (n, d) for one a sample.
        std: Standard deviation of the data's motion [m], of the same shape.
        bound: Largest fraction of the way to the command in one step.
    """

    def __init__(self, mean: torch.Tensor, std: torch.Tensor, bound: float = 0.9) -> None:
        self._mean = mean
        self._std = std
        self._bound = bound
        self.spread = std.square().mean(-1, keepdim=True).sqrt()

    def per_square_metre(self, strength: torch.Tensor) -> torch.Tensor:
        """Return ``strength`` as it applies to motion in metres [1/m^2]."""
        return strength * (GUIDANCE_LENGTH / self.spread) ** 2

    def toward(
        self,
        command: torch.Tensor,
        strength: float | torch.Tensor,
        weight: torch.Tensor | None = None,
    ) -> Callable[[torch.Tensor, float], torch.Tensor]:
        """Return the pull towards ``command``.

        Args:
            command: Commanded motion [m], shape (n, d).
            strength: Guidance strength, one for all or of shape (n,); 0 is the prior alone.
            weight: Per-dimension weight, shape (n, d) or (d,).
        """
        goal = (command - self._mean) / self._std
        strengths = torch.as_tensor(strength, dtype=torch.float32).reshape(-1, 1)
        scale = self.per_square_metre(strengths) * self._std.square()
        if weight is not None:
            scale = scale * weight

        def pull(denoised: torch.Tensor, variance: float) -> torch.Tensor:
            fraction = (2.0 * variance * scale).clamp_(max=self._bound)
            return torch.lerp(denoised, goal, fraction)

        return pull
