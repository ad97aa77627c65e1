"""Optimises one network: averaged weights, checkpoints, a log, several processes."""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from dexgen_app.learn.checkpoint import load_checkpoint, save_checkpoint

Minibatch = TypeVar("Minibatch")


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
        device: ``cpu``, or ``cuda`` for the networks on an NVIDIA graphics card.
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
    device: str = "cpu"
    seed: int = 0
    checkpoint_every: int = 500


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

    def note(self, loss: float, rate: float) -> str:
        """Log a mean loss and return a line about it; ``rate`` is in steps a second."""
        samples = rate * self.config.batch
        row = {"stage": self.name, "step": self.step, "loss": loss, "samples_per_s": samples}
        with self.log.open("a") as file:
            file.write(json.dumps(row) + "\n")
        left = (self.steps - self.step) / rate
        return (
            f"{self.name} {self.step}/{self.steps} loss {loss:.4f} "
            f"{samples:,.0f} samples/s, {left / 60:.1f} min left"
        )


def optimise(
    name: str,
    net: nn.Module,
    loss: Callable[[nn.Module, Minibatch], torch.Tensor],
    draw: Callable[[np.random.Generator], Iterator[Minibatch]],
    config: TrainingConfig,
    folder: Path,
    *,
    steps: int,
    report: Callable[[str], None],
) -> float:
    """Optimise a network, from its checkpoint in ``folder`` if there is one.

    Args:
        name: Of checkpoint and log.
        net: The network, on the device of ``config``; it ends with the averaged weights.
        loss: ``(net, batch) -> loss``.
        draw: Returns this process's minibatches for ever, given a source of randomness.
        config: How to train.
        folder: Where checkpoint and log are.
        steps: Optimiser steps in all.
        report: Told a line every hundred steps.

    Returns:
        The last mean loss.
    """
    rank, processes = join_processes(config.device)
    run = _Run(name, net, config, folder, steps)
    run.restore()
    # A resumed run must not see the same order and noise again.
    rng = np.random.default_rng((config.seed, run.step, rank))
    torch.manual_seed(int(rng.integers(2**31)))
    batches = draw(rng)
    begun, first, recent = time.monotonic(), run.step, []
    while run.step < steps:
        with torch.autocast(config.device, torch.bfloat16, enabled=config.bfloat16):
            value = loss(net, next(batches))
        run.update(value, processes)
        recent.append(float(value.detach()))
        if rank == 0 and (run.step % 100 == 0 or run.step == steps):
            rate = (run.step - first) / (time.monotonic() - begun)
            report(run.note(float(np.mean(recent[-100:])), rate))
            recent = recent[-100:]
        if rank == 0 and (run.step % config.checkpoint_every == 0 or run.step == steps):
            run.save()
    net.load_state_dict(run.averaged.state_dict())
    net.eval()
    return float(np.mean(recent)) if recent else run.last_loss()


def bfloat16_pays() -> bool:
    """Return whether this processor multiplies in bfloat16 no more slowly, by trying.

    Without instructions for it that takes fifty times as long.
    """
    seconds = []
    for kind in (torch.float32, torch.bfloat16):
        rows, weights = torch.ones(512, 256, dtype=kind), torch.ones(256, 256, dtype=kind)
        rows @ weights
        begun = time.monotonic()
        for _ in range(3):
            rows @ weights
        seconds.append(time.monotonic() - begun)
    return seconds[1] < 1.5 * seconds[0]


def join_processes(device: str) -> tuple[int, int]:
    """Return this process's rank and their number, joining the group under ``torchrun``.

    Args:
        device: ``cpu``, or ``cuda``, where every process of a machine takes a card of its own.
    """
    if "RANK" not in os.environ:
        return 0, 1
    if not dist.is_initialized():
        if device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if device == "cuda" else "gloo")
    return dist.get_rank(), dist.get_world_size()
