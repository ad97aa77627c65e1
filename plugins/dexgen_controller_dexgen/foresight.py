"""Teaches a controller to foresee drops, from trials that ended in some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dexgen_controller_dexgen.model import FORESIGHT_S, ControllerModel
from dexgen_controller_dexgen.networks import DropRisk
from dexgen_controller_dexgen.optimisation import TrainingConfig, optimise
from dexgen_controller_dexgen.trials import Trials

BLUR = 0.05
"""Standard deviation of the noise on normalised states: trials are few, and a state's like many."""
AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class _Moments:
    """Normalised states (n, state) and their risks (n, 1)."""

    state: torch.Tensor
    risk: torch.Tensor


def risk_of(left: torch.Tensor) -> torch.Tensor:
    """Return the risk of moments from which an object is held for ``left`` [s] more."""
    return torch.exp(-left / FORESIGHT_S)


def learn_risk(
    model: ControllerModel,
    trials: Trials,
    folder: Path,
    config: TrainingConfig,
    report: Callable[[str], None] = print,
) -> float:
    """Train a model's risk of a drop anew, or from a checkpoint in ``folder``.

    Args:
        model: The model; its other networks stay as they are.
        trials: Trials of its hand.
        folder: Run folder.
        config: How to train.
        report: Told a line every hundred steps.

    Returns:
        The last mean loss: the binary cross entropy of the risk.
    """
    risk = risk_of(trials.left)[:, None]
    # A step that is not finite would spoil all weights.
    felt = torch.cat([trials.tips, trials.position, trials.target], -1)
    known = torch.nonzero(torch.isfinite(felt).all(-1)).squeeze(-1)

    def draw(rng: np.random.Generator) -> Iterator[_Moments]:
        while True:
            rows = known[torch.from_numpy(rng.integers(len(known), size=config.batch))]
            yield _Moments(model.normal_state(trials.states(rows)), risk[rows])

    def loss(net: nn.Module, moments: _Moments) -> torch.Tensor:
        seen = moments.state + BLUR * torch.randn_like(moments.state)
        return nn.functional.binary_cross_entropy_with_logits(net(seen), moments.risk)

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    model.risk = DropRisk(model.state_size)
    return optimise(
        "risk", model.risk, loss, draw, config, folder, steps=config.steps, report=report
    )


def foresee(model: ControllerModel, trials: Trials) -> torch.Tensor:
    """Return a model's risk at every step of trials in its first mode, shape (R,)."""
    parts = torch.arange(len(trials)).split(AT_ONCE)
    modes = torch.zeros(AT_ONCE, dtype=torch.long)
    return torch.cat([model.foresee(trials.states(r), modes[: len(r)])[:, 0] for r in parts])


def rank(risk: torch.Tensor, near: torch.Tensor) -> float:
    """Return how often the risk is higher at a moment near a drop than at another.

    Args:
        risk: Risks, shape (R,).
        near: Whether each moment is near a drop, shape (R,), bool.

    Returns:
        The area under the receiver operating characteristic: 0.5 is chance, 1 never wrong; NaN
        where all moments are of one kind.
    """
    from scipy.stats import mannwhitneyu

    some, rest = risk[near].numpy(), risk[~near].numpy()
    if not len(some) or not len(rest):
        return float("nan")
    return float(mannwhitneyu(some, rest).statistic) / (len(some) * len(rest))
