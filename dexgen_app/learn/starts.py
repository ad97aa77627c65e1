"""The states in which episodes start: drawn grasps, or where earlier episodes were stuck."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch

KEPT = 1024
"""Stuck states that are kept; the oldest make room for new ones."""


@dataclass(eq=False, kw_only=True)
class Start:
    """States in which n episodes start.

    Attributes:
        joints: Joint positions [rad], shape (n, J).
        target: Joint targets [rad], shape (n, J).
        pose: Pose of the object in the hand frame, [m] and quaternion, shape (n, 7).
        gravity: Unit vector, shape (n, 3).
        direction: Index of its nearest named direction, shape (n,).
    """

    joints: torch.Tensor
    target: torch.Tensor
    pose: torch.Tensor
    gravity: torch.Tensor
    direction: torch.Tensor


class StuckStates:
    """Where episodes made no progress, so that others can begin there.

    A policy that is trained from grasps alone meets such states seldom and late in an episode.
    """

    def __init__(self) -> None:
        self._owners = torch.zeros(0, dtype=torch.long)
        self._states: Start | None = None

    def __len__(self) -> int:
        return len(self._owners)

    def keep(self, states: Start, owners: torch.Tensor) -> None:
        """Keep n states.

        Args:
            states: The states.
            owners: Which object each of them is of, shape (n,).
        """
        if self._states is not None:
            owners = torch.cat((self._owners, owners))
            before = dict(_parts(self._states))
            states = Start(**{n: torch.cat((before[n], values)) for n, values in _parts(states)})
        self._owners = owners[-KEPT:]
        self._states = Start(**{name: values[-KEPT:] for name, values in _parts(states)})

    def put_in(
        self, start: Start, owners: torch.Tensor, share: float, generator: torch.Generator
    ) -> Start:
        """Return n starts with stuck states of the same objects in the place of a share of them.

        Where nothing of an object is kept yet, its starts stay as they are.

        Args:
            start: The starts.
            owners: Which object each of them is of, shape (n,).
            share: Probability of each to be replaced.
            generator: Source of randomness.
        """
        drawn = torch.rand(len(owners), 2, generator=generator)
        if self._states is None:
            return start
        parts = {name: values.clone() for name, values in _parts(start)}
        for owner in owners.unique():
            known = torch.nonzero(self._owners == owner).squeeze(-1)
            if len(known) == 0:
                continue
            places = torch.nonzero((owners == owner) & (drawn[:, 0] < share)).squeeze(-1)
            picks = known[(drawn[places, 1] * len(known)).long()]
            for name, values in _parts(self._states):
                parts[name][places] = values[picks]
        return Start(**parts)


def _parts(start: Start) -> list[tuple[str, torch.Tensor]]:
    return [(field.name, getattr(start, field.name)) for field in fields(start)]
