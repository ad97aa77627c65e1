"""Training samples out of a transition store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.transitions import TransitionStore
from dexgen_controller_dexgen.history import HISTORY, HORIZON, stack_state

FEWEST = 100
"""Samples of a mode below which it has no statistics of its own."""


@dataclass(frozen=True, eq=False)
class Batch:
    """States (n, state), motions [m] (n, motion), increments [rad] (n, J) and modes (n,)."""

    state: torch.Tensor
    motion: torch.Tensor
    increment: torch.Tensor
    mode: torch.Tensor

    def to(self, device: str) -> Batch:
        """Return the samples on a device."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


class SampleSource:
    """Draws minibatches of windows.

    Args:
        store: The dataset.
        keypoint_sites: Keypoints of the motion; a subset of the dataset's.
        fingers: Number of fingertips; they are the dataset's last keypoints.
        clean: Use only windows whose future was undisturbed.
        share: Every ``share[1]``-th window starting at ``share[0]``, for data-parallel training.
    """

    def __init__(
        self,
        store: TransitionStore,
        keypoint_sites: tuple[str, ...],
        fingers: int,
        *,
        clean: bool,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self._store = store
        known = store.format.keypoint_sites
        missing = set(keypoint_sites) - set(known)
        if missing:
            raise InputError(
                f"the dataset lacks keypoints {sorted(missing)}", where=str(store.folder)
            )
        self._chosen = [known.index(site) for site in keypoint_sites]
        self._tips = slice(len(known) - fingers, len(known))
        windows = store.windows(HISTORY, HORIZON, clean=clean)
        self.windows = windows[share[0] :: share[1]]
        if not len(self.windows):
            raise InputError(
                "the dataset has no usable window",
                where=str(store.folder),
                remedy="Collect more transitions",
            )

    def at(self, rows: np.ndarray) -> Batch:
        """Return the samples whose present is at ``rows``, shape (n,).

        An episode's first step stands for the time before it, as in ``HistoryBuffer``.
        """
        step = self._store.gather("step", rows).astype(np.int64)
        span = rows[:, None] + np.maximum(np.arange(1 - HISTORY, HORIZON + 1), -step)
        points = self._store.gather("keypoints", span)
        points = points.reshape(len(rows), span.shape[1], -1, 3)
        past = span[:, :HISTORY]
        tips = points[:, :HISTORY, self._tips].reshape(len(rows), HISTORY, -1)
        position = torch.from_numpy(self._store.gather("position", past))
        target = torch.from_numpy(self._store.gather("target", past))
        moving = points[:, :, self._chosen]
        motion = moving[:, HISTORY:] - moving[:, HISTORY - 1 : HISTORY]
        following = torch.from_numpy(self._store.gather("next_target", rows))
        return Batch(
            stack_state(torch.from_numpy(tips), position, target),
            torch.from_numpy(motion.reshape(len(rows), -1)),
            following - target[:, -1],
            torch.from_numpy(self._store.gather("mode", rows)[:, 0].astype(np.int64)),
        )

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield minibatches for ever, every window once an epoch, in random order."""
        while True:
            order = rng.permutation(self.windows)
            if len(order) < size:
                yield self.at(order)
            for start in range(0, len(order) - size + 1, size):
                yield self.at(order[start : start + size])

    def statistics(self, rng: np.random.Generator, count: int = 50_000) -> dict[str, torch.Tensor]:
        """Return means and standard deviations of state, motion and increment.

        Those of the motion in each mode are ``mode_mean`` and ``mode_std``, shape (modes, motion);
        a mode that is hardly there has those of all motion.
        """
        rows = rng.choice(self.windows, size=min(count, len(self.windows)), replace=False)
        batch = self.at(rows)
        found = {}
        for name in ("state", "motion", "increment"):
            found[f"{name}_mean"], found[f"{name}_std"] = _moments(getattr(batch, name))
        modes = []
        for mode in range(len(self._store.format.modes)):
            own = batch.motion[batch.mode == mode]
            modes.append(_moments(own if len(own) >= FEWEST else batch.motion))
        found["mode_mean"], found["mode_std"] = map(torch.stack, zip(*modes))
        return found


def _moments(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation over the first dimension."""
    spread = values.std(0)
    # The floor keeps a joint that never moved from amplifying rounding noise.
    return values.mean(0), spread.clamp(min=max(0.05 * float(spread.mean()), 1e-6))
