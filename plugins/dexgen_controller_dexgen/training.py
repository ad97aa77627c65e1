"""Trains the prior and the dynamics on a transition store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dexgen_app.learn.transitions import TransitionStore
from dexgen_app.spec import HandSpec
from dexgen_controller_dexgen.losses import NoisyMotion, Step
from dexgen_controller_dexgen.mirror import joint_signs
from dexgen_controller_dexgen.model import ControllerModel, ModelInfo
from dexgen_controller_dexgen.optimisation import TrainingConfig, join_processes, optimise
from dexgen_controller_dexgen.samples import Batch, SampleSource

Loss = Callable[[nn.Module, Batch], torch.Tensor]


class Trainer:
    """Trains the networks of a controller; continues from checkpoints in ``folder``.

    Under ``torchrun`` every process takes its share of the windows and gradients are averaged.

    Args:
        store: The dataset.
        hand: The hand of the dataset.
        folder: Run folder.
        config: How to train.
        mirror_of: The hand that is its mirror image, which the model shall serve too.
        dynamics_store: The dataset of inverse and forward dynamics; the same where None.
    """

    def __init__(
        self,
        store: TransitionStore,
        hand: HandSpec,
        folder: Path,
        config: TrainingConfig,
        mirror_of: HandSpec | None = None,
        dynamics_store: TransitionStore | None = None,
    ) -> None:
        self._dynamics_store = dynamics_store or store
        for known in (store, self._dynamics_store):
            known.require_hand(hand)
        self.rank, self.processes = join_processes()
        self.config, self.folder, self.store = config, folder, store
        folder.mkdir(parents=True, exist_ok=True)
        if self.rank == 0:
            (folder / "config.json").write_text(json.dumps(asdict(config), indent=1))
        torch.manual_seed(config.seed)
        sites = hand.tip_sites if config.tips_only else hand.keypoint_sites
        self.fingers = len(hand.fingers)
        self.model = ControllerModel(
            ModelInfo(
                hand=hand.id,
                joint_names=hand.joint_names,
                keypoint_sites=sites,
                fingers=self.fingers,
                modes=store.format.modes,
                size=config.size,
                control_dt=store.format.control_dt,
                mirror_hand=mirror_of.id if mirror_of else "",
                mirror_signs=joint_signs(hand, mirror_of) if mirror_of else (),
            )
        )
        source = SampleSource(store, sites, self.fingers, clean=True)
        self.model.set_statistics(source.statistics(np.random.default_rng(config.seed)))

    def train_prior(self, report: Callable[[str], None] = print) -> float:
        """Train the prior on undisturbed windows and return its last mean loss."""
        model, draws = self.model, self.config.draws

        def loss(net: nn.Module, batch: Batch) -> torch.Tensor:
            return NoisyMotion.draw(model, batch, draws).loss(net)

        steps = self.config.steps
        return self._train("prior", model.prior, loss, steps, clean=True, report=report)

    def train_inverse(self, report: Callable[[str], None] = print) -> float:
        """Train the inverse dynamics on all its windows and return its last mean loss."""
        return self._train_dynamics("inverse", report)

    def train_forward(self, report: Callable[[str], None] = print) -> float:
        """Train the forward dynamics on all its windows and return its last mean loss."""
        return self._train_dynamics("forward", report)

    def _train_dynamics(self, name: str, report: Callable[[str], None]) -> float:
        def loss(net: nn.Module, batch: Batch) -> torch.Tensor:
            return Step.of(self.model, name, batch).loss(net)

        steps = self.config.inverse_steps or self.config.steps
        net = getattr(self.model, name)
        return self._train(name, net, loss, steps, clean=False, report=report)

    def _train(
        self,
        name: str,
        net: nn.Module,
        loss: Loss,
        steps: int,
        *,
        clean: bool,
        report: Callable[[str], None],
    ) -> float:
        store = self.store if clean else self._dynamics_store
        source = SampleSource(
            store,
            self.model.info.keypoint_sites,
            self.fingers,
            clean=clean,
            share=(self.rank, self.processes),
        )

        def draw(rng: np.random.Generator) -> Iterator[Batch]:
            return source.batches(self.config.batch // self.processes, rng)

        return optimise(name, net, loss, draw, self.config, self.folder, steps=steps, report=report)
