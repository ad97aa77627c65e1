"""Teaches a controller a further mode and keeps what it does in the others.

What the controller gave before is a target beside the new examples (learning without forgetting,
Li and Hoiem 2016): on states of a second dataset the networks are held to their own earlier
answers, which unlike examples have no noise.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dexgen_app.errors import InputError
from dexgen_app.learn.transitions import TransitionStore
from dexgen_controller_dexgen.losses import NoisyMotion, Step
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.samples import SampleSource
from dexgen_controller_dexgen.training import Batches, NetworkTraining

KEEPING = 10.0
"""Weight of the distance from the earlier answers."""


class Extension(NetworkTraining):
    """Trains the networks of a controller on.

    Args:
        model: The controller; it is changed.
        store: What it is taught.
        replay: States in which it is to stay as it is, of the other modes.
        folder: Run folder.
        config: How to train.

    Raises:
        InputError: The datasets are of another hand or other modes than the controller, or share
            a mode.
    """

    def __init__(
        self,
        model: ControllerModel,
        store: TransitionStore,
        replay: TransitionStore,
        folder: Path,
        config: TrainingConfig,
    ) -> None:
        _check(model, store, replay)
        super().__init__(folder, config)
        self.model, self._before = model, copy.deepcopy(model)
        self._stores = (store, replay)
        # Of the whole dataset: every process must scale alike.
        source = SampleSource(store, model.info.keypoint_sites, model.info.fingers, clean=True)
        found = source.statistics(np.random.default_rng(config.seed))
        for mode in _modes(store):
            for name in ("mode_mean", "mode_std"):
                model.statistics[name][mode] = found[name][mode]

    def stores(self, *, clean: bool) -> tuple[TransitionStore, ...]:
        """Return what is taught and what is kept, for prior and dynamics alike."""
        return self._stores

    def models(self) -> tuple[ControllerModel, ...]:
        """Return the controller, and what it was before."""
        return self.model, self._before

    def prior_loss(self, net: nn.Module, batches: Batches) -> torch.Tensor:
        """Return the loss on what is taught, and how far the prior strayed on what is kept."""
        draws = self.config.draws
        taught, kept = (NoisyMotion.draw(self.model, batch, draws) for batch in batches)
        with torch.no_grad():
            answer = kept.predicted_by(self._before.prior)
        strayed = (kept.predicted_by(net) - answer).square().mean()
        return taught.loss(net) + KEEPING * strayed

    def dynamics_loss(self, name: str, net: nn.Module, batches: Batches) -> torch.Tensor:
        """Return the loss on what is taught, and how far the dynamics strayed on what is kept."""
        taught, kept = (Step.of(self.model, name, batch) for batch in batches)
        with torch.no_grad():
            answer = getattr(self._before, name)(kept.state, kept.given)
        strayed = [
            (now - then).square().mean() for now, then in zip(net(kept.state, kept.given), answer)
        ]
        # In units of what there is to explain: a mode of large motions counts no more.
        share = taught.loss(net) / taught.wanted.square().mean().clamp(min=1.0)
        return share + KEEPING * torch.stack(strayed).sum()


def _modes(store: TransitionStore) -> list[int]:
    return [int(mode) for mode in np.unique(store.column("mode"))]


def _check(model: ControllerModel, store: TransitionStore, replay: TransitionStore) -> None:
    """Refuse datasets that do not fit the controller or each other."""
    info = model.info
    for known in (store, replay):
        layout = known.format
        for what, own, wanted in (
            ("hand", layout.hand, info.hand),
            ("joints", layout.joint_names, info.joint_names),
            ("modes", layout.modes, info.modes),
            ("control period", layout.control_dt, info.control_dt),
        ):
            if own != wanted:
                raise InputError(
                    f"{what} of the dataset: {own}; of the controller: {wanted}",
                    where=str(known.folder),
                    remedy="Collect data of the controller's hand with this release",
                )
    shared = set(_modes(store)) & set(_modes(replay))
    if shared:
        names = ", ".join(info.modes[mode] for mode in sorted(shared))
        raise InputError(
            f"mode {names} is to be taught and to be kept",
            where="--replay",
            remedy="Give a dataset of other modes: `dataset make --policy FILE:MODE` labels rows",
        )
