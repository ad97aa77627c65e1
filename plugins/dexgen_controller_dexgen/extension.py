"""Teaches a controller a further mode and keeps what it does in the others.

What the controller gave before is a target beside the new examples (learning without forgetting,
Li and Hoiem 2016): on states of a second dataset the networks are held to their own earlier
answers, which unlike examples have no noise.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dexgen_app.errors import InputError
from dexgen_app.learn.transitions import TransitionStore
from dexgen_controller_dexgen.losses import NoisyMotion, Step
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.optimisation import TrainingConfig, join_processes, optimise
from dexgen_controller_dexgen.samples import Batch, SampleSource

KEEPING = 10.0
"""Weight of the distance from the earlier answers."""

Pair = tuple[Batch, Batch]


class Extension:
    """Trains the networks of a controller on; continues from checkpoints in ``folder``.

    Args:
        model: The controller; it is changed.
        store: What it is taught.
        replay: States in which it is to stay as it is, of the other modes.
        folder: Run folder.
        config: How to train; a minibatch has ``batch`` samples of either dataset.

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
        self.rank, self.processes = join_processes()
        self.model, self.config, self.folder = model, config, folder
        self._before = copy.deepcopy(model)
        self._stores = (store, replay)
        folder.mkdir(parents=True, exist_ok=True)
        if self.rank == 0:
            (folder / "config.json").write_text(json.dumps(asdict(config), indent=1))
        torch.manual_seed(config.seed)
        # Of the whole dataset: every process must scale alike.
        source = SampleSource(store, model.info.keypoint_sites, model.info.fingers, clean=True)
        found = source.statistics(np.random.default_rng(config.seed))
        for mode in _modes(store):
            for name in ("mode_mean", "mode_std"):
                model.statistics[name][mode] = found[name][mode]

    def train_prior(self, report: Callable[[str], None] = print) -> float:
        """Train the prior on undisturbed windows and return its last mean loss."""
        model, before, draws = self.model, self._before, self.config.draws

        def loss(net: nn.Module, pair: Pair) -> torch.Tensor:
            taught, kept = (NoisyMotion.draw(model, batch, draws) for batch in pair)
            with torch.no_grad():
                answer = kept.predicted_by(before.prior)
            strayed = (kept.predicted_by(net) - answer).square().mean()
            return taught.loss(net) + KEEPING * strayed

        steps = self.config.steps
        return self._train("prior", model.prior, loss, steps, clean=True, report=report)

    def train_inverse(self, report: Callable[[str], None] = print) -> float:
        """Train the inverse dynamics on all windows and return its last mean loss."""
        return self._train_dynamics("inverse", report)

    def train_forward(self, report: Callable[[str], None] = print) -> float:
        """Train the forward dynamics on all windows and return its last mean loss."""
        return self._train_dynamics("forward", report)

    def _train_dynamics(self, name: str, report: Callable[[str], None]) -> float:
        before: nn.Module = getattr(self._before, name)

        def loss(net: nn.Module, pair: Pair) -> torch.Tensor:
            taught, kept = (Step.of(self.model, name, batch) for batch in pair)
            with torch.no_grad():
                answer = before(kept.state, kept.given)
            strayed = [
                (now - then).square().mean()
                for now, then in zip(net(kept.state, kept.given), answer)
            ]
            # In units of what there is to explain: a mode of large motions counts no more.
            share = taught.loss(net) / taught.wanted.square().mean().clamp(min=1.0)
            return share + KEEPING * torch.stack(strayed).sum()

        steps = self.config.inverse_steps or self.config.steps
        return self._train(name, getattr(self.model, name), loss, steps, clean=False, report=report)

    def _train(
        self,
        name: str,
        net: nn.Module,
        loss: Callable[[nn.Module, Pair], torch.Tensor],
        steps: int,
        *,
        clean: bool,
        report: Callable[[str], None],
    ) -> float:
        net.train().requires_grad_(True)
        info, share = self.model.info, (self.rank, self.processes)
        sources = [
            SampleSource(store, info.keypoint_sites, info.fingers, clean=clean, share=share)
            for store in self._stores
        ]
        size = self.config.batch // self.processes

        def draw(rng: np.random.Generator) -> Iterator[Pair]:
            return zip(*(source.batches(size, rng) for source in sources))

        return optimise(name, net, loss, draw, self.config, self.folder, steps=steps, report=report)


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
