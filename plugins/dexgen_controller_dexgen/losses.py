"""What the controller's networks are trained for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.samples import Batch


@dataclass(frozen=True, eq=False)
class NoisyMotion:
    """What a prior is shown, several noisy motions of each state, and the noise in them.

    Shapes: motion and noise (n draws, motion), step (n draws,), state (n, state), one-hot mode
    (n, modes); all normalised.
    """

    motion: torch.Tensor
    noise: torch.Tensor
    step: torch.Tensor
    state: torch.Tensor
    mode: torch.Tensor

    @classmethod
    def draw(cls, model: ControllerModel, batch: Batch, draws: int) -> NoisyMotion:
        """Add noise of random diffusion steps to the motions of a batch."""
        table, schedule = model.statistics, model.schedule
        mean, std = table["mode_mean"][batch.mode], table["mode_std"][batch.mode]
        clean = ((batch.motion - mean) / std).repeat_interleave(draws, 0)
        noise = torch.randn_like(clean)
        step = torch.randint(schedule.train_steps, (len(clean),))
        one_hot = nn.functional.one_hot(batch.mode, len(model.info.modes)).float()
        noisy = schedule.add_noise(clean, noise, step)
        return cls(noisy, noise, step, model.normal_state(batch.state), one_hot)

    def predicted_by(self, prior: nn.Module) -> torch.Tensor:
        """Return the noise that a prior finds, shape (n draws, motion)."""
        found: torch.Tensor = prior(self.motion, self.step, self.state, self.mode)
        return found

    def loss(self, prior: nn.Module) -> torch.Tensor:
        """Return the mean squared error of the noise (Ho et al. 2020, eq. 14)."""
        return (self.predicted_by(prior) - self.noise).square().mean()


@dataclass(frozen=True, eq=False)
class Step:
    """A step of the hand as one of the dynamics sees it: state, what is given, what is wanted."""

    state: torch.Tensor
    given: torch.Tensor
    wanted: torch.Tensor

    @classmethod
    def of(cls, model: ControllerModel, name: str, batch: Batch) -> Step:
        """Normalise a batch for the dynamics called ``name``, ``inverse`` or ``forward``."""
        table = model.statistics

        def normal(part: str) -> torch.Tensor:
            values: torch.Tensor = getattr(batch, part)
            return (values - table[f"{part}_mean"]) / table[f"{part}_std"]

        given, wanted = ("motion", "increment") if name == "inverse" else ("increment", "motion")
        return cls(normal("state"), normal(given), normal(wanted))

    def loss(self, dynamics: nn.Module) -> torch.Tensor:
        """Return the mean squared error, and a little for the spread that is predicted with it."""
        predicted, log_std = dynamics(self.state, self.given)
        error = (predicted - self.wanted).square()
        # The spread learns from a detached error: the mean is plain regression.
        spread = log_std + 0.5 * error.detach() * torch.exp(-2.0 * log_std)
        return error.mean() + 0.01 * spread.mean()
