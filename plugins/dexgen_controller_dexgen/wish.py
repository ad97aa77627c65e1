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
TRUSTED_WISH = 0.04
"""Averaged commands up to this size are trusted fully, root mean square over the joints [rad]."""
DOUBTED_WISH = 0.052
"""Averaged commands from this size on are not trusted: it is noise that makes an average large."""


class Wish(NamedTuple):
    """What N persons ask for.

    Attributes:
        asked: Changes of the joint targets, within bounds [rad], shape (N, J).
        newest: The newest commands [rad], shape (N, J).
        average: The averages of their commands as they are [rad], shape (N, J).
        least: The size to which a smaller one is raised [rad], shape (N, 1).
        trust: How far the average's size allows to trust each, 0 to 1, shape (N, 1).
    """

    asked: torch.Tensor
    newest: torch.Tensor
    average: torch.Tensor
    least: torch.Tensor
    trust: torch.Tensor


def root_mean_square(change: torch.Tensor) -> torch.Tensor:
    """Return the size of changes over the joints, (n, J) to (n, 1)."""
    return change.square().mean(-1, keepdim=True).sqrt()


def fit_size(change: torch.Tensor, least: torch.Tensor) -> torch.Tensor:
    """Scale changes to root mean squares over the joints between ``least`` and ``LARGEST_WISH``.

    Args:
        change: Changes of the joint targets [rad], shape (n, J).
        least: Smallest size [rad], shape (n, 1).
    """
    size = root_mean_square(change)
    wanted = torch.maximum(size, least).clamp(max=LARGEST_WISH)
    return change * (wanted / size.clamp(min=1e-9))


class WishFilter:
    """Averages the commands of N hands, from nothing on.

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
        newest = command.clamp(-LARGEST_CHANGE, LARGEST_CHANGE)
        keep = math.exp(-self._control_dt / self.smoothing) if self.smoothing else 0.0
        # It begins at nothing, whether all hands are reset or some.
        before = torch.zeros_like(newest) if self._average is None else self._average
        self._average = torch.lerp(newest, before, keep)
        size = root_mean_square(self._average)
        least = (self.boost * size).clamp(max=USUAL_WISH)
        trust = ((DOUBTED_WISH - size) / (DOUBTED_WISH - TRUSTED_WISH)).clamp(0.0, 1.0)
        return Wish(fit_size(self._average, least), newest, self._average, least, trust)
