"""The controller's networks: the diffusion prior, inverse and forward dynamics.

Shapes follow DexterityGen (arXiv 2502.04307, appendix F): a U-Net whose convolutions are fully
connected, three encoder and three decoder blocks, FiLM conditioning, group normalisation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
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
    """Linear, group norm, scale and shift by a film of the condition, activation."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.GroupNorm(GROUPS, outputs)
        self.film = nn.Linear(condition, 2 * outputs)

    def forward(self, x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Map (n, inputs) to (n, outputs) under a scale and a shift of shape (n, outputs)."""
        # For two samples a module's call costs more than some of the arithmetic.
        linear, norm = self.linear, self.norm
        x = nn.functional.linear(x, linear.weight, linear.bias)
        x = torch.group_norm(x, GROUPS, norm.weight, norm.bias, norm.eps)
        return nn.functional.silu(torch.addcmul(shift, x, scale))


def _encoder(inputs: int, width: int, layers: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in range(layers):
        modules += [nn.Linear(inputs if layer == 0 else width, width), nn.GroupNorm(GROUPS, width)]
        modules.append(nn.SiLU())
    return nn.Sequential(*modules)


def _by_block(films: list[torch.Tensor]) -> torch.Tensor:
    """Turn each block's film, shape (n, 2 width), into scales and shifts: (2 blocks, n, width)."""
    return torch.stack(films).unflatten(-1, (2, -1)).transpose(1, 2).flatten(0, 1)


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
        self._films: dict[int, torch.Tensor] = {}
        self._films_version = -1

    def encode(self, state: torch.Tensor, mode: torch.Tensor) -> torch.Tensor:
        """Encode what does not change over the diffusion steps.

        Args:
            state: Normalised robot state, shape (n, state).
            mode: One-hot mode, shape (n, modes).
        """
        return torch.cat([self.encoder(state), self.mode(mode)], dim=-1)

    def denoiser(
        self, state: torch.Tensor, mode: torch.Tensor, draws: int = 1
    ) -> Callable[[torch.Tensor, int], torch.Tensor]:
        """Return ``forward`` for states and steps that all samples share, made for speed.

        The part of the states in the films is computed once a sample and the part of each
        diffusion step once a model.

        Args:
            state: Normalised robot states, shape (n, state).
            mode: One-hot modes, shape (n, modes).
            draws: Motions of each state, one after another.

        Returns:
            ``(noisy motions (n draws, motion), diffusion step) -> noise (n draws, motion)``.
        """
        from_code = self._code_films(self.encode(state, mode)).repeat_interleave(draws, 1)
        version = sum(p._version for p in self._step_parameters())
        if version != self._films_version:
            self._films, self._films_version = {}, version

        def denoise(motion: torch.Tensor, step: int) -> torch.Tensor:
            if step not in self._films:
                self._films[step] = self.step_films(torch.tensor([step], device=motion.device))
            return self._pass(motion, from_code + self._films[step])

        return denoise

    def _pass(self, x: torch.Tensor, films: torch.Tensor) -> torch.Tensor:
        """Send noisy motions, shape (n, motion), through the blocks, given their films."""
        parts = films.unbind()
        kept: list[torch.Tensor] = []
        for index, block in enumerate(self.blocks()):
            if index >= len(self.down):
                x = torch.cat([x, kept.pop()], dim=-1)
            x = block(x, *parts[2 * index : 2 * index + 2])
            if index < len(self.down):
                kept.append(x)
        return self.out(x)

    def blocks(self) -> list[FilmBlock]:
        """Return the blocks from input to output."""
        return [*self.down, *self.up]  # type: ignore[list-item]

    def _step_parameters(self) -> Iterator[torch.Tensor]:
        """Yield the parameters that ``step_films`` depends on."""
        yield from self.time.parameters()
        for block in self.blocks():
            yield from block.film.parameters()

    def _encode_step(self, step: torch.Tensor) -> torch.Tensor:
        half = self.time_width // 2
        rates = torch.exp(
            torch.arange(half, device=step.device) * (-math.log(10_000.0) / (half - 1))
        )
        angles = step.float()[:, None] * rates[None]
        return self.time(torch.cat([angles.sin(), angles.cos()], dim=-1))

    def _code_films(self, code: torch.Tensor) -> torch.Tensor:
        """Return what a code adds to scale and shift of every block: (2 blocks, n, width)."""
        known = code.shape[-1]
        films = [nn.functional.linear(code, b.film.weight[:, :known]) for b in self.blocks()]
        return _by_block(films)

    def step_films(self, step: torch.Tensor) -> torch.Tensor:
        """Return scale and shift at diffusion steps, shape (u,), before a code adds to them.

        A film of zero leaves a block as it is, hence the one in the scales: (2 blocks, u, width).
        """
        time = self._encode_step(step)
        films = _by_block(
            [
                nn.functional.linear(time, b.film.weight[:, -self.time_width :], b.film.bias)
                for b in self.blocks()
            ]
        )
        films[0::2] += 1.0
        return films

    def forward(
        self, motion: torch.Tensor, step: torch.Tensor, state: torch.Tensor, mode: torch.Tensor
    ) -> torch.Tensor:
        """Predict the noise.

        Several noisy motions may belong to one state, one after another: films are linear in the
        condition, so what depends on the state alone is computed once for all of them.

        Args:
            motion: Noisy normalised motion, shape (n draws, motion).
            step: Diffusion step, shape (n draws,).
            state: Normalised robot state, shape (n, state).
            mode: One-hot mode, shape (n, modes).
        """
        from_code = self._code_films(self.encode(state, mode))
        steps, place = torch.unique(step, return_inverse=True)
        from_step = self.step_films(steps)
        draws = len(motion) // len(state)
        own = from_step[:, place].unflatten(1, (-1, draws))
        return self._pass(motion, (from_code[:, :, None] + own).flatten(1, 2))


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

    def predict(self, state: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """Return the mean alone, shape (n, wanted)."""
        mean: torch.Tensor = self(state, given)[0]
        return mean


class DropRisk(nn.Module):
    """Tells from a state how soon the object will be dropped.

    Args:
        state: Size of the stacked robot state.
    """

    WIDTH = 256
    LOST = 0.3
    """Share of the units left out in training: drops are few, and states alike."""
    SEEN = 5.0
    """Bound of what is seen of a normalised state."""

    def __init__(self, state: int) -> None:
        super().__init__()
        width = self.WIDTH
        self.body = nn.Sequential(
            *(nn.Linear(state, width), nn.SiLU(), nn.Dropout(self.LOST)),
            *(nn.Linear(width, width), nn.SiLU(), nn.Dropout(self.LOST)),
            nn.Linear(width, 1),
        )

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        """Return the logit of the risk of normalised states, shape (n, state) to (n, 1)."""
        logit: torch.Tensor = self.body(state.clamp(-self.SEEN, self.SEEN))
        return logit
