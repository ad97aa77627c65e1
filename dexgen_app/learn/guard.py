"""Catches non-finite states and rewards, and writes down how the first one came about."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

import numpy as np
import torch

from dexgen_app.errors import SimulationError


class FiniteGuard:
    """Looks at every control step of a batch of environments.

    Args:
        folder: Where the first bad step is written; None writes nothing.
        history: Number of steps kept before it.
        limit: Number of bad environment steps after which the run is stopped.
    """

    def __init__(self, folder: Path | None, *, history: int = 20, limit: int = 1000) -> None:
        self._folder = folder
        self._steps: deque[dict[str, torch.Tensor]] = deque(maxlen=history)
        self._limit = limit
        self.count = 0
        self.path: Path | None = None

    def check(self, values: dict[str, torch.Tensor]) -> torch.Tensor:
        """Remember a step and find the environments in which something is not finite.

        Args:
            values: Tensors whose first axis is the environment; kept, so not to be changed.

        Returns:
            Which environments are bad, shape (N,).

        Raises:
            SimulationError: More bad steps than the limit.
        """
        self._steps.append(values)
        bad = torch.stack([~torch.isfinite(v).flatten(1).all(1) for v in _as_columns(values)]).any(
            0
        )
        count = int(bad.sum())
        if count == 0:
            return bad
        if self.count == 0:
            self._dump(int(torch.nonzero(bad)[0]))
        self.count += count
        if self.count > self._limit:
            raise SimulationError(
                f"{self.count} environment steps had values that are not finite",
                where=str(self.path or ""),
                remedy="The file holds the first of them with its history; "
                "smaller time steps or gains may help",
            )
        return bad

    def _dump(self, environment: int) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self.path = self._folder / f"non_finite_{os.getpid()}.npz"
        columns = {
            name: np.stack([step[name][environment].cpu().numpy() for step in self._steps])
            for name in self._steps[-1]
        }
        with self.path.open("wb") as file:
            np.savez(file, environment=np.array(environment), **columns)


def _as_columns(values: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    return [v[:, None] if v.ndim == 1 else v for v in values.values()]
