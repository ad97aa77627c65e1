"""What a person asks for: an average over their commands, neither too small nor too large."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

LARGEST_CHANGE = 0.1
"""Largest commanded change of a joint target in a step [rad], as in the data; more is cut."""
LARGEST_WISH = 0.04
"""Largest averaged command, root mean square over the joints [rad]; a larger one is scaled down.

An obstinate command, such as sliders at their ends, would pull all joints at full speed for ever.
"""
USUAL_WISH = 0.02
"""Size up to which a smaller averaged command is raised, root mean square over the joints [rad].

What the prior does by itself is of this size: a command of a quarter of it would go unnoticed.
"""
TRUSTED_WISH = 0.033
"""Averaged commands up to this size are trusted fully, root mean square over the joints [rad]."""


class Wish(NamedTuple):
    """What N persons ask for.

    Attributes:
        asked: Changes of the joint targets, within bounds [rad], shape (N, J).
        average: The averages of their commands as they are [rad], shape (N, J).
        trust: How far their size allows to trust each, shape (N, 1): 1 for a small steady one,
            falling with the fourth power of its size, since noise makes an average large.
    """

    asked: torch.Tensor
    average: torch.Tensor
    trust: torch.Tensor


class WishFilter:
    """Averages the commands of N hands.

    Args:
        control_dt: Time between commands [s].
        smoothing: Time constant of the average [s]; 0 takes only the newest.
        boost: Largest factor by which a small average is raised, up to ``USUAL_WISH``.
    """

    def __init__(self, control_dt: float, smoothing: float, boost: float) -> None:
        self._control_dt = control_dt
        self.smoothing = smoothing
        self.boost = boost
        self._average: torch.Tensor | None = None

    def reset(self, chosen: torch.Tensor | None = None) -> None:
        """Forget the commands of the hands chosen by a mask of shape (N,); of all where None."""
        if chosen is None:
            self._average = None
        elif self._average is not None:
            self._average[chosen] = 0.0

    def take(self, command: torch.Tensor) -> Wish:
        """Take the newest commands.

        Args:
            command: Commanded change of the joint targets [rad], shape (N, J).

        Returns:
            What is asked for, from the exponential averages so far.
        """
        command = command.clamp(-LARGEST_CHANGE, LARGEST_CHANGE)
        keep = math.exp(-self._control_dt / self.smoothing) if self.smoothing else 0.0
        before = command if self._average is None else self._average
        self._average = torch.lerp(command, before, keep)
        size = self._average.square().mean(-1, keepdim=True).sqrt()
        raised = torch.minimum(self.boost * size, size.clamp(min=USUAL_WISH))
        gain = raised.clamp(max=LARGEST_WISH) / size.clamp(min=1e-9)
        trust = (TRUSTED_WISH / size.clamp(min=TRUSTED_WISH)) ** 4
        return Wish(gain * self._average, self._average, trust)
