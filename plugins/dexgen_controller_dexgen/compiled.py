"""The networks' passes for one hand, compiled: for a sample or two, calls cost more than sums.

A pass of the same networks in torch is several hundred operations of microseconds each, every one
with its own call. Here numba makes one function of a whole pass. Weights are read once for all
rows, so that this pays for few of them: one hand's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numba
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dexgen_controller_dexgen.model import ControllerModel, Passes
from dexgen_controller_dexgen.networks import GROUPS, Dynamics, MotionPrior

Array = npt.NDArray[np.float32]
# Sums may be reordered, so that they vectorise; NaN stays NaN, unlike with all of "fast".
_compile = numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "arcp", "nsz"})


@_compile
def _linear(x: Array, weight: Array, bias: Array, out: Array) -> None:
    """Write ``x @ weight.T + bias``, shape (n, outputs), to ``out``."""
    rows, inputs = x.shape
    for o in range(weight.shape[0]):
        line = weight[o]
        for r in range(rows):
            row = x[r]
            total = bias[o]
            for i in range(inputs):
                total += line[i] * row[i]
            out[r, o] = total


@_compile
def _normalise(x: Array, groups: int, scale: Array, shift: Array, eps: float) -> None:
    """Normalise each of the groups of each row in place, then scale and shift its values."""
    rows, width = x.shape
    size = width // groups
    for r in range(rows):
        for first in range(0, width, size):
            part = x[r, first : first + size]
            mean = np.float32(0.0)
            for i in range(size):
                mean += part[i]
            mean /= size
            square = np.float32(0.0)
            for i in range(size):
                square += (part[i] - mean) * (part[i] - mean)
            factor = np.float32(1.0 / math.sqrt(square / size + eps))
            for i in range(size):
                part[i] = (part[i] - mean) * factor * scale[first + i] + shift[first + i]


@_compile
def _silu(x: Array) -> None:
    one = np.float32(1.0)
    rows, width = x.shape
    for r in range(rows):
        for i in range(width):
            x[r, i] /= one + math.exp(-x[r, i])


@_compile
def _films(
    x: Array, layers: tuple[tuple[Array, ...], ...], weight: Array, rest: Array, eps: float
) -> Array:
    """Encode n states and return what they add to the films, on top of ``rest``: (n, films)."""
    for line, bias, scale, shift in layers:
        out = np.empty((x.shape[0], line.shape[0]), np.float32)
        _linear(x, line, bias, out)
        _normalise(out, GROUPS, scale, shift, eps)
        _silu(out)
        x = out
    films = np.empty_like(rest)
    _linear(x, weight, np.zeros(weight.shape[0], np.float32), films)
    films += rest
    return films


@_compile
def _denoise(
    x: Array,
    films: Array,
    step: Array,
    layers: tuple[tuple[Array, ...], ...],
    out_weight: Array,
    out_bias: Array,
    eps: float,
) -> Array:
    """Run the U-Net on motions of n states, one after another.

    Films are (n, 2 blocks, width), those of the diffusion step (2 blocks, width).
    """
    rows, draws = x.shape[0], x.shape[0] // films.shape[0]
    width, blocks = films.shape[2], len(layers)
    kept = np.empty((blocks // 2, rows, width), np.float32)
    wide = np.empty((rows, 2 * width), np.float32)
    for index in range(blocks):
        weight, bias, gain, offset = layers[index]
        if 2 * index >= blocks:
            wide[:, :width] = x
            wide[:, width:] = kept[blocks - 1 - index]
            x = wide
        out = np.empty((rows, width), np.float32)
        _linear(x, weight, bias, out)
        _normalise(out, GROUPS, gain, offset, eps)
        for r in range(rows):
            scale, shift = films[r // draws, 2 * index], films[r // draws, 2 * index + 1]
            for i in range(width):
                factor = scale[i] + step[2 * index, i]
                out[r, i] = out[r, i] * factor + shift[i] + step[2 * index + 1, i]
        _silu(out)
        if 2 * index < blocks:
            kept[index] = out
        x = out
    out = np.empty((rows, out_weight.shape[0]), np.float32)
    _linear(x, out_weight, out_bias, out)
    return out


@_compile
def _predict(
    x: Array,
    in_weight: Array,
    in_bias: Array,
    blocks: tuple[tuple[Array, ...], ...],
    out_weight: Array,
    out_bias: Array,
    eps: float,
) -> Array:
    """Run a residual network."""
    rows, width = x.shape[0], in_weight.shape[0]
    stream = np.empty((rows, width), np.float32)
    inner = np.empty((rows, width), np.float32)
    after = np.empty((rows, width), np.float32)
    _linear(x, in_weight, in_bias, stream)
    for scale, shift, first_weight, first_bias, weight, bias in blocks:
        inner[:] = stream
        _normalise(inner, 1, scale, shift, eps)
        _linear(inner, first_weight, first_bias, after)
        _silu(after)
        _linear(after, weight, bias, inner)
        stream += inner
    out = np.empty((rows, out_weight.shape[0]), np.float32)
    _linear(stream, out_weight, out_bias, out)
    return out


def _arrays(*modules: nn.Module) -> tuple[Array, ...]:
    """Return copies of the modules' weights and biases, one after another."""
    return tuple(
        values.detach().float().contiguous().numpy().copy()
        for module in modules
        for values in (module.weight, module.bias)
    )


class CompiledPrior:
    """The prior's passes; the weights are those of now.

    Args:
        prior: A trained prior.
    """

    def __init__(self, prior: MotionPrior) -> None:
        blocks = prior.blocks()
        modules = list(prior.encoder)
        self._prior = prior
        self._eps = float(blocks[0].norm.eps)
        self._encoder = tuple(_arrays(*modules[i : i + 2]) for i in range(0, len(modules), 3))
        self._layers = tuple(_arrays(block.linear, block.norm) for block in blocks)
        self._out = _arrays(prior.out)
        coded = len(self._encoder[-1][1])
        films = torch.cat([block.film.weight.detach() for block in blocks])
        self._weight = films[:, :coded].contiguous().numpy()
        modes = prior.mode.weight.detach().T + prior.mode.bias.detach()
        self._of_modes = modes @ films[:, coded : coded + modes.shape[1]].T
        self._steps: dict[int, Array] = {}

    def denoiser(
        self, state: torch.Tensor, mode: torch.Tensor, draws: int = 1
    ) -> Callable[[torch.Tensor, int], torch.Tensor]:
        """Do as ``MotionPrior.denoiser`` does."""
        rest = (mode @ self._of_modes).numpy()
        films = _films(state.numpy(), self._encoder, self._weight, rest, self._eps)
        films = films.reshape(len(films), 2 * len(self._layers), -1)

        def denoise(motion: torch.Tensor, step: int) -> torch.Tensor:
            if step not in self._steps:
                with torch.no_grad():
                    added = self._prior.step_films(torch.tensor([step]))
                self._steps[step] = added.squeeze(1).contiguous().numpy()
            noise = _denoise(
                motion.numpy(), films, self._steps[step], self._layers, *self._out, self._eps
            )
            return torch.from_numpy(noise)

        return denoise


class CompiledDynamics:
    """The passes of inverse or forward dynamics; the weights are those of now.

    Args:
        network: Trained dynamics.
    """

    def __init__(self, network: Dynamics) -> None:
        bodies = [list(block.body) for block in network.blocks]
        self._eps = float(bodies[0][0].eps)
        self._inputs, self._out = _arrays(network.inputs), _arrays(network.out)
        self._blocks = tuple(_arrays(body[0], body[1], body[3]) for body in bodies)

    def predict(self, state: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """Do as ``Dynamics.predict`` does."""
        x = torch.cat([state, given], dim=-1).numpy()
        out = _predict(x, *self._inputs, self._blocks, *self._out, self._eps)
        return torch.from_numpy(out[:, : out.shape[1] // 2])


def compile_passes(model: ControllerModel) -> None:
    """Let a model that is trained no more sample with compiled passes from now on.

    They are compiled before they take the place of the model's own, which takes some seconds the
    first time on a machine; after that they are read from a cache.
    """
    passes = Passes(
        prior=CompiledPrior(model.prior),
        inverse=CompiledDynamics(model.inverse),
        forward=CompiledDynamics(model.forward),
    )
    state, motion = torch.zeros(1, model.state_size), torch.zeros(1, model.motion_size)
    increment = torch.zeros(1, len(model.info.joint_names))
    passes.prior.denoiser(state, torch.zeros(1, len(model.info.modes)))(motion, 0)
    passes.inverse.predict(state, motion)
    passes.forward.predict(state, increment)
    model.passes = passes
