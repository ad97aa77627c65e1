"""Trains the prior and the dynamics on a transition store."""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from dexgen_app.learn.checkpoint import load_checkpoint, save_checkpoint
from dexgen_app.learn.transitions import TransitionStore
from dexgen_app.spec import HandSpec
from dexgen_controller_dexgen.mirror import joint_signs
from dexgen_controller_dexgen.model import ControllerModel, ModelInfo
from dexgen_controller_dexgen.samples import Batch, SampleSource


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the controller is trained.

    Attributes:
        size: Network size, ``small`` or ``paper``.
        steps: Optimiser steps of the prior.
        inverse_steps: Optimiser steps of inverse and forward dynamics; 0 takes as many.
        batch: Samples in a minibatch, over all processes.
        draws: Noisy motions that the prior is shown of each sample.
        learning_rate: Peak learning rate; it falls to a twentieth along a cosine.
        weight_decay: AdamW's weight decay.
        ema: Decay of the averaged weights that are kept.
        bfloat16: Compute in bfloat16 and keep the weights in single precision; faster where the
            processor has instructions for it.
        tips_only: Use only the fingertips as keypoints (K = 4 instead of 8).
        seed: Seed of initial weights, order and noise.
        checkpoint_every: Steps between checkpoints.
    """

    size: str = "small"
    steps: int = 4000
    inverse_steps: int = 0
    batch: int = 512
    draws: int = 4
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    ema: float = 0.999
    bfloat16: bool = False
    tips_only: bool = False
    seed: int = 0
    checkpoint_every: int = 500


Loss = Callable[[nn.Module, Batch], torch.Tensor]


class _Run:
    """One network's training: optimiser, averaged weights, checkpoint, log."""

    def __init__(
        self, name: str, net: nn.Module, config: TrainingConfig, folder: Path, steps: int
    ) -> None:
        self.name, self.net, self.config, self.steps = name, net, config, steps
        self.averaged = copy.deepcopy(net).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.checkpoint = folder / f"{name}.checkpoint.safetensors"
        self.log = folder / "metrics.jsonl"
        self.step = 0

    def save(self) -> None:
        save_checkpoint(
            self.checkpoint,
            {
                "step": self.step,
                "net": self.net.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            },
        )

    def restore(self) -> None:
        if not self.checkpoint.exists():
            return
        state = load_checkpoint(self.checkpoint)
        self.step = state["step"]
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])

    def last_loss(self) -> float:
        """Return the newest loss in the log, for a training that was done before."""
        rows = [json.loads(line) for line in self.log.read_text().splitlines()]
        return next(row["loss"] for row in reversed(rows) if row["stage"] == self.name)

    def update(self, loss: torch.Tensor, processes: int) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if processes > 1:
            for parameter in self.net.parameters():
                assert parameter.grad is not None
                dist.all_reduce(parameter.grad)
                parameter.grad /= processes
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        peak = self.config.learning_rate
        wave = 0.5 * (1.0 + math.cos(math.pi * self.step / self.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = peak * (0.05 + 0.95 * wave)
        self.optimizer.step()
        self.step += 1
        decay = min(self.config.ema, self.step / (self.step + 10.0))
        for kept, new in zip(self.averaged.parameters(), self.net.parameters()):
            kept.lerp_(new, 1.0 - decay)


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
        self.rank, self.processes = _join_processes()
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
        model, schedule = self.model, self.model.schedule
        mean, std = model.statistics["motion_mean"], model.statistics["motion_std"]

        def loss(net: nn.Module, batch: Batch) -> torch.Tensor:
            clean = ((batch.motion - mean) / std).repeat_interleave(self.config.draws, 0)
            noise = torch.randn_like(clean)
            step = torch.randint(schedule.train_steps, (len(clean),))
            one_hot = nn.functional.one_hot(batch.mode, len(model.info.modes)).float()
            noisy = schedule.add_noise(clean, noise, step)
            return (
                (net(noisy, step, model.normal_state(batch.state), one_hot) - noise).square().mean()
            )

        steps = self.config.steps
        return self._train("prior", model.prior, loss, steps, clean=True, report=report)

    def train_inverse(self, report: Callable[[str], None] = print) -> float:
        """Train the inverse dynamics on all its windows and return its last mean loss."""
        return self._train_dynamics("inverse", "motion", "increment", report)

    def train_forward(self, report: Callable[[str], None] = print) -> float:
        """Train the forward dynamics on all its windows and return its last mean loss."""
        return self._train_dynamics("forward", "increment", "motion", report)

    def _train_dynamics(
        self, name: str, given: str, wanted: str, report: Callable[[str], None]
    ) -> float:
        model = self.model

        def normal(batch: Batch, name: str) -> torch.Tensor:
            table = model.statistics
            return (getattr(batch, name) - table[f"{name}_mean"]) / table[f"{name}_std"]

        def loss(net: nn.Module, batch: Batch) -> torch.Tensor:
            predicted, log_std = net(normal(batch, "state"), normal(batch, given))
            error = (predicted - normal(batch, wanted)).square()
            # The spread learns from a detached error: the mean is plain regression.
            spread = log_std + 0.5 * error.detach() * torch.exp(-2.0 * log_std)
            return error.mean() + 0.01 * spread.mean()

        steps = self.config.inverse_steps or self.config.steps
        net = getattr(model, name)
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
        config = self.config
        run = _Run(name, net, config, self.folder, steps)
        run.restore()
        share = (self.rank, self.processes)
        store = self.store if clean else self._dynamics_store
        source = SampleSource(
            store, self.model.info.keypoint_sites, self.fingers, clean=clean, share=share
        )
        # A resumed run must not see the same order and noise again.
        seed = (config.seed, run.step, self.rank)
        rng = np.random.default_rng(seed)
        torch.manual_seed(int(rng.integers(2**31)))
        batches = source.batches(config.batch // self.processes, rng)
        begun, first, recent = time.monotonic(), run.step, []
        while run.step < steps:
            with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
                value = loss(net, next(batches))
            run.update(value, self.processes)
            recent.append(float(value.detach()))
            if run.step % 100 == 0 or run.step == steps:
                self._report(run, begun, first, recent, report)
                recent = recent[-100:]
            if self.rank == 0 and (run.step % config.checkpoint_every == 0 or run.step == steps):
                run.save()
        net.load_state_dict(run.averaged.state_dict())
        net.eval()
        return float(np.mean(recent)) if recent else run.last_loss()

    def _report(
        self,
        run: _Run,
        begun: float,
        first: int,
        recent: list[float],
        report: Callable[[str], None],
    ) -> None:
        if self.rank:
            return
        rate = (run.step - first) / (time.monotonic() - begun)
        left = (run.steps - run.step) / rate
        mean = float(np.mean(recent[-100:]))
        row: dict[str, Any] = {
            "stage": run.name,
            "step": run.step,
            "loss": mean,
            "samples_per_s": rate * self.config.batch,
        }
        with run.log.open("a") as file:
            file.write(json.dumps(row) + "\n")
        report(
            f"{run.name} {run.step}/{run.steps} loss {mean:.4f} "
            f"{rate * self.config.batch:,.0f} samples/s, {left / 60:.1f} min left"
        )


def _join_processes() -> tuple[int, int]:
    """Return this process's rank and their number, joining the group under ``torchrun``."""
    if "RANK" not in os.environ:
        return 0, 1
    if not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return dist.get_rank(), dist.get_world_size()
