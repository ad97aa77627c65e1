"""Turns steps of many environments into rows of episodes, without the moments before a drop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


class RolloutBuffer:
    """Collects time steps of N environments and gives them back episode by episode.

    The last ``cut`` steps before a drop are thrown away, as they show how to lose an object.
    What could still turn out to be such a step is held back until it is known.

    Args:
        environments: N.
        cut: Steps thrown away before a drop.
        first_episode: Id of the first episode.
    """

    def __init__(self, environments: int, cut: int, first_episode: int = 0) -> None:
        self._cut = cut
        self._steps: list[dict[str, np.ndarray]] = []
        self._dropped: list[np.ndarray] = []
        self._next_episode = first_episode + environments
        self._episode = np.arange(first_episode, first_episode + environments)
        self._step = np.zeros(environments, dtype=np.int32)

    def append(
        self, columns: Mapping[str, np.ndarray], dropped: np.ndarray, ended: np.ndarray
    ) -> None:
        """Add one step of every environment.

        Args:
            columns: Row values, first axis environments; taken before the step's action.
            dropped: Whether the object was lost during the step, shape (N,).
            ended: Whether the environment was reset after the step, shape (N,).
        """
        row = {name: np.array(values) for name, values in columns.items()}
        row["episode"], row["step"] = self._episode.copy(), self._step.copy()
        self._steps.append(row)
        self._dropped.append(np.array(dropped))
        self._step += 1
        over = np.asarray(ended) | np.asarray(dropped)
        count = int(over.sum())
        self._episode[over] = np.arange(self._next_episode, self._next_episode + count)
        self._next_episode += count
        self._step[over] = 0

    def drain(self, *, everything: bool = False) -> dict[str, np.ndarray] | None:
        """Return the rows that are certain, environment by environment, or None.

        Args:
            everything: Return also what might yet turn out to precede a drop.
        """
        ready = len(self._steps) if everything else len(self._steps) - self._cut
        if ready <= 0:
            return None
        episode = np.stack([row["episode"] for row in self._steps])
        keep = np.ones(episode.shape, dtype=bool)
        for step, environment in np.argwhere(np.stack(self._dropped)):
            first = max(0, step - self._cut + 1)
            same = episode[first : step + 1, environment] == episode[step, environment]
            keep[first : step + 1, environment] &= ~same
        chosen = keep[:ready].T
        block = {}
        for name in self._steps[0]:
            values = np.stack([row[name] for row in self._steps[:ready]])
            block[name] = np.swapaxes(values, 0, 1)[chosen]
        # A drop among the held-back steps may reach into rows that were returned before, but
        # never further than `cut`, which is what is held back.
        self._steps, self._dropped = self._steps[ready:], self._dropped[ready:]
        return block
