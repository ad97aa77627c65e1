"""Trains the prior and the dynamics on a transition store."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dexgen_app.files import write_text
from dexgen_app.learn.transitions import TransitionStore
from dexgen_app.spec import HandSpec
from dexgen_controller_dexgen.losses import NoisyMotion, Step
from dexgen_controller_dexgen.mirror import joint_signs
from dexgen_controller_dexgen.model import ControllerModel, ModelInfo
from dexgen_controller_dexgen.optimisation import TrainingConfig, join_processes, optimise
from dexgen_controller_dexgen.samples import Batch, SampleSource

Batches = tuple[Batch, ...]
"""A minibatch of each dataset."""


class NetworkTraining(ABC):
    """Trains the three networks of a model; continues from checkpoints in ``folder``.

    Under ``torchrun`` every process takes its share of the windows and gradients are averaged.

    Args:
        folder: Run folder.
        config: How to train; a minibatch has ``batch`` samples of each dataset.

    Attributes:
        model: The model, which a subclass sets.
    """

    model: ControllerModel

    def __init__(self, folder: Path, config: TrainingConfig) -> None:
        self.rank, self.processes = join_processes(config.device)
        self.config, self.folder = config, folder
        folder.mkdir(parents=True, exist_ok=True)
        if self.rank == 0:
            write_text(folder / "config.json", json.dumps(asdict(config), indent=1))
        torch.manual_seed(config.seed)

    @abstractmethod
    def stores(self, *, clean: bool) -> tuple[TransitionStore, ...]:
        """Return the datasets of the prior where ``clean``, else those of the dynamics."""

    def models(self) -> tuple[ControllerModel, ...]:
        """Return the models that the losses look at."""
        return (self.model,)

    @abstractmethod
    def prior_loss(self, net: nn.Module, batches: Batches) -> torch.Tensor:
        """Return the loss of the prior on a minibatch of each dataset."""

    @abstractmethod
    def dynamics_loss(self, name: str, net: nn.Module, batches: Batches) -> torch.Tensor:
        """Return the loss of the dynamics called ``name`` on a minibatch of each dataset."""

    def train_prior(self, report: Callable[[str], None] = print) -> float:
        """Train the prior on undisturbed windows and return its last mean loss."""
        return self._train("prior", self.prior_loss, self.config.steps, report, clean=True)

    def train_inverse(self, report: Callable[[str], None] = print) -> float:
        """Train the inverse dynamics on all its windows and return its last mean loss."""
        return self._train_dynamics("inverse", report)

    def train_forward(self, report: Callable[[str], None] = print) -> float:
        """Train the forward dynamics on all its windows and return its last mean loss."""
        return self._train_dynamics("forward", report)

    def _train_dynamics(self, name: str, report: Callable[[str], None]) -> float:
        loss = partial(self.dynamics_loss, name)
        steps = self.config.inverse_steps or self.config.steps
        return self._train(name, loss, steps, report, clean=False)

    def _train(
        self,
        name: str,
        loss: Callable[[nn.Module, Batches], torch.Tensor],
        steps: int,
        report: Callable[[str], None],
        *,
        clean: bool,
    ) -> float:
        info, share = self.model.info, (self.rank, self.processes)
        sources = [
            SampleSource(store, info.keypoint_sites, info.fingers, clean=clean, share=share)
            for store in self.stores(clean=clean)
        ]
        size = self.config.batch // self.processes

        def draw(rng: np.random.Generator) -> Iterator[Batches]:
            for batches in zip(*(source.batches(size, rng) for source in sources)):
                yield tuple(batch.to(device) for batch in batches)

        device, models = self.config.device, self.models()
        for model in models:
            model.to(device)
        net: nn.Module = getattr(self.model, name)
        net.train()
        config, folder = self.config, self.folder
        with torch.device(device):
            last = optimise(name, net, loss, draw, config, folder, steps=steps, report=report)
        for model in models:
            model.to("cpu")
        return last


class Trainer(NetworkTraining):
    """Trains the networks of a new controller.

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
        self._store, self._dynamics_store = store, dynamics_store or store
        for known in (self._store, self._dynamics_store):
            known.require_hand(hand)
        super().__init__(folder, config)
        sites = hand.tip_sites if config.tips_only else hand.keypoint_sites
        self.model = ControllerModel(
            ModelInfo(
                hand=hand.id,
                joint_names=hand.joint_names,
                keypoint_sites=sites,
                fingers=len(hand.fingers),
                modes=store.format.modes,
                size=config.size,
                control_dt=store.format.control_dt,
                mirror_hand=mirror_of.id if mirror_of else "",
                mirror_signs=joint_signs(hand, mirror_of) if mirror_of else (),
            )
        )
        source = SampleSource(store, sites, len(hand.fingers), clean=True)
        self.model.set_statistics(source.statistics(np.random.default_rng(config.seed)))

    def stores(self, *, clean: bool) -> tuple[TransitionStore, ...]:
        """Return the dataset of the prior or of the dynamics."""
        return (self._store if clean else self._dynamics_store,)

    def prior_loss(self, net: nn.Module, batches: Batches) -> torch.Tensor:
        """Return how far the prior is from the noise in the motions."""
        return NoisyMotion.draw(self.model, batches[0], self.config.draws).loss(net)

    def dynamics_loss(self, name: str, net: nn.Module, batches: Batches) -> torch.Tensor:
        """Return how far the dynamics are from what happened."""
        return Step.of(self.model, name, batches[0]).loss(net)
