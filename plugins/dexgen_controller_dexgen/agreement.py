"""How far commands agree with what the controller would do by itself."""

from __future__ import annotations

import math

import torch

AVERAGING_S = 3.0
"""Time constant of the average [s]: some of an object's way from grasp to grasp."""
LITTLE = 3e-4
"""Added to the average product of lengths [rad^2]: with little commanded yet, nothing is known."""


class Agreement:
    """The cosine between the commands and the controller's own motion, for each of N hands.

    Who knows what they do, however slowly or noisily, goes the controller's way more often than
    not. Who pulls blindly goes against it: the more so the further the grasp is led astray.

    Args:
        hands: N.
        control_dt: Time between steps [s].
    """

    def __init__(self, hands: int, control_dt: float) -> None:
        self._keep = math.exp(-control_dt / AVERAGING_S)
        self._products = torch.zeros(hands, 2)

    def reset(self, chosen: torch.Tensor | None = None) -> None:
        """Forget the hands chosen by a mask of shape (N,); all where None."""
        self._products[slice(None) if chosen is None else chosen] = 0.0

    def take(
        self, command: torch.Tensor, own: torch.Tensor, chosen: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Take a step's commands.

        Args:
            command: Commanded change of the joint targets [rad], shape (n, J).
            own: What the controller would do without a command [rad], shape (n, J).
            chosen: Mask of the n hands that they are for, shape (N,); None is all.

        Returns:
            Cosine of the angle between the two over the last seconds, large changes counting
            more, -1 to 1, shape (n, 1); 0 where nothing is known yet.
        """
        rows = slice(None) if chosen is None else chosen
        inner = (command * own).sum(-1)
        lengths = command.norm(dim=-1) * own.norm(dim=-1)
        newest = torch.stack([inner, lengths], dim=-1)
        self._products[rows] = torch.lerp(newest, self._products[rows], self._keep)
        inner, lengths = self._products[rows].split(1, dim=-1)
        return inner / (lengths + LITTLE)
