"""The controller's networks: the diffusion prior, inverse and forward dynamics.

Shapes follow DexterityGen (arXiv 2502.04307, appendix F): a U-Net whose convolutions are fully
connected, three encoder and three decoder blocks, FiLM conditioning, group normalisation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, kw_only=True)
class NetworkSize:
    """Widths of the networks.

    Attributes:
        hidden: Width of the prior's blocks.
        encoder: Width of the state encoder.
        encoder_layers: Layers of the state encoder.
        inverse: Width of the dynamics models.
        inverse_blocks: Residual blocks of the dynamics models.
    """

    hidden: int
    encoder: int
    encoder_layers: int
    inverse: int
    inverse_blocks: int


SIZES = {
    "small": NetworkSize(hidden=256, encoder=256, encoder_layers=3, inverse=384, inverse_blocks=3),
    "paper": NetworkSize(
        hidden=768, encoder=1024, encoder_layers=6, inverse=1024, inverse_blocks=4
    ),
}
GROUPS = 8


class FilmBlock(nn.Module):
    """Linear, group norm, scale and shift by a condition, activation."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.GroupNorm(GROUPS, outputs)
        self.film = nn.Linear(condition, 2 * outputs)
        self.act = nn.SiLU()

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Map (n, inputs) to (n, outputs) under a condition of shape (n, condition)."""
        scale, shift = self.film(condition).chunk(2, dim=-1)
        return self.act(self.norm(self.linear(x)) * (1.0 + scale) + shift)


def _encoder(inputs: int, width: int, layers: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in range(layers):
        modules += [nn.Linear(inputs if layer == 0 else width, width), nn.GroupNorm(GROUPS, width)]
        modules.append(nn.SiLU())
    return nn.Sequential(*modules)


class MotionPrior(nn.Module):
    """Predicts the noise in a noisy keypoint motion.

    Args:
        motion: Size of a motion, T x K x 3.
        state: Size of the stacked robot state.
        modes: Number of mode labels.
        size: Widths.
    """

    def __init__(self, motion: int, state: int, modes: int, size: NetworkSize) -> None:
        super().__init__()
        width = size.hidden
        self.time_width = width
        self.encoder = _encoder(state, size.encoder, size.encoder_layers)
        self.mode = nn.Linear(modes, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        condition = size.encoder + 2 * width
        widths = (width, width, width)
        self.down = nn.ModuleList()
        before = motion
        for after in widths:
            self.down.append(FilmBlock(before, after, condition))
            before = after
        self.up = nn.ModuleList()
        for after in reversed(widths):
            self.up.append(FilmBlock(before + after, after, condition))
            before = after
        self.out = nn.Linear(before, motion)
        self._films: dict[int, list[torch.Tensor]] = {}
        self._films_version = -1

    def encode(self, state: torch.Tensor, mode: torch.Tensor) -> torch.Tensor:
        """Encode what does not change over the diffusion steps.

        Args:
            state: Normalised robot state, shape (n, state).
            mode: One-hot mode, shape (n, modes).
        """
        return torch.cat([self.encoder(state), self.mode(mode)], dim=-1)

    def denoise(self, motion: torch.Tensor, step: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """Predict the noise.

        Args:
            motion: Noisy normalised motion, shape (n, motion).
            step: Diffusion step, shape (n,).
            code: Result of ``encode``.
        """
        condition = torch.cat([code, self._encode_step(step)], dim=-1)
        kept = []
        x = motion
        for block in self.down:
            x = block(x, condition)
            kept.append(x)
        for block in self.up:
            x = block(torch.cat([x, kept.pop()], dim=-1), condition)
        return self.out(x)

    def denoiser(self, code: torch.Tensor) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Return ``denoise`` for one ``code`` and steps that all samples share, made for speed.

        FiLM is linear in its condition, so the part of ``code`` is computed once a sample and the
        part of each diffusion step once a model.
        """
        blocks = [*self.down, *self.up]
        known = code.shape[-1]
        from_code = [nn.functional.linear(code, b.film.weight[:, :known]) for b in blocks]
        version = sum(p._version for p in self.parameters())
        if version != self._films_version:
            self._films, self._films_version = {}, version

        def denoise(motion: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
            from_step = self._step_films(int(step[0]), known)
            kept: list[torch.Tensor] = []
            x = motion
            for index, block in enumerate(blocks):
                if index >= len(self.down):
                    x = torch.cat([x, kept.pop()], dim=-1)
                scale, shift = (from_code[index] + from_step[index]).chunk(2, dim=-1)
                # The step's part holds the 1 of 1 + scale.
                x = block.act(torch.addcmul(shift, block.norm(block.linear(x)), scale))
                if index < len(self.down):
                    kept.append(x)
            return self.out(x)

        return denoise

    def _encode_step(self, step: torch.Tensor) -> torch.Tensor:
        half = self.time_width // 2
        rates = torch.exp(
            torch.arange(half, device=step.device) * (-math.log(10_000.0) / (half - 1))
        )
        angles = step.float()[:, None] * rates[None]
        return self.time(torch.cat([angles.sin(), angles.cos()], dim=-1))

    def _step_films(self, step: int, known: int) -> list[torch.Tensor]:
        """Return what a diffusion step adds to each block's scale and shift, each (1, 2 width)."""
        if step not in self._films:
            device = self.out.weight.device
            time = self._encode_step(torch.tensor([step], device=device))
            made = []
            for block in [*self.down, *self.up]:
                film = nn.functional.linear(time, block.film.weight[:, known:], block.film.bias)
                film[:, : film.shape[1] // 2] += 1.0
                made.append(film)
            self._films[step] = made
        return self._films[step]

    def forward(
        self, motion: torch.Tensor, step: torch.Tensor, state: torch.Tensor, mode: torch.Tensor
    ) -> torch.Tensor:
        """Predict the noise in ``motion`` at diffusion ``step``."""
        return self.denoise(motion, step, self.encode(state, mode))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class Dynamics(nn.Module):
    """Predicts what goes with a state and something given, as a Gaussian.

    Inverse dynamics: the joint-target increment that produces a given motion. Forward dynamics:
    the motion that a given increment produces.

    Args:
        given: Size of what is given.
        state: Size of the stacked robot state.
        wanted: Size of what is predicted.
        size: Widths.
    """

    def __init__(self, given: int, state: int, wanted: int, size: NetworkSize) -> None:
        super().__init__()
        width = size.inverse
        self.inputs = nn.Linear(given + state, width)
        self.blocks = nn.Sequential(*(_Residual(width) for _ in range(size.inverse_blocks)))
        self.out = nn.Linear(width, 2 * wanted)

    def forward(
        self, state: torch.Tensor, given: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log standard deviation, each (n, wanted); everything is normalised."""
        x = self.blocks(self.inputs(torch.cat([state, given], dim=-1)))
        mean, log_std = self.out(x).chunk(2, dim=-1)
        return mean, log_std.clamp(-5.0, 2.0)
