"""Noise on the actions in training, now more, now less of it.

Under noise the object wanders to where an expert alone never brings it. An expert that is to
command through a shaking hand must know the way from there, too.
"""

from __future__ import annotations

import torch

STEADY_SECONDS = 5.0
"""Mean time for which an environment keeps a half width [s]."""


class Disturbance:
    """Adds uniform noise to the actions of N environments.

    Each has a half width of its own, none at first, and draws another one every few seconds: with
    one for a whole episode, the little shaken would live longest and be nearly all that is learned
    from.

    Args:
        largest: Largest half width, of actions bounded by 1; 0 adds nothing and draws nothing.
        count: N.
        step_seconds: Time of a step [s].
        generator: Source of randomness.
    """

    def __init__(
        self, largest: float, count: int, step_seconds: float, generator: torch.Generator
    ) -> None:
        self._largest = largest
        self._chance = step_seconds / STEADY_SECONDS
        self._generator = generator
        self._half_width = torch.zeros(count, 1)

    def __call__(self, action: torch.Tensor) -> torch.Tensor:
        """Return the actions of the next step within [-1, 1], shape (N, J)."""
        if self._largest == 0.0:
            return action
        drawn = torch.rand(len(action), 2, generator=self._generator)
        again, width = drawn.split(1, dim=-1)
        changed = self._largest * width
        self._half_width = torch.where(again < self._chance, changed, self._half_width)
        noise = 2.0 * torch.rand(action.shape, generator=self._generator) - 1.0
        return (action + self._half_width * noise).clamp(-1.0, 1.0)
