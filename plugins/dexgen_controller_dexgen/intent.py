"""What a person means, seen beside what the controller would do by itself."""

from __future__ import annotations

import math

import torch

from dexgen_controller_dexgen.wish import Wish, fit_size

AVERAGING_S = 0.2
"""Time constant of the average over what a command adds to the controller's own motion [s].

Longer than that over the commands themselves: the own motion is known without any delay.
"""
AGREEMENT_S = 3.0
"""Time constant of the agreement [s]: some of an object's way from grasp to grasp."""
LITTLE = 3e-4
"""Added to the average product of lengths [rad^2]: with little commanded yet, nothing is known."""
LEAST_AGREEMENT = -0.1
"""Agreement up to which a command is not trusted at all."""
LEAST_CLOSE_AGREEMENT = -0.25
"""The same for commands that stay close to the controller's own motion."""
AGREEMENT_SPAN = 0.2
"""From this far above it on, a command is trusted as far as its size allows."""
CLOSE = 0.022
"""Distance between commands and own motion that is close, root mean square over joints [rad].

Somebody skilled is that near to what the controller learned from, noise of any size is not.
"""
FAR = 0.028
"""Distance from which on they are not close: less than that of one joint at full speed."""
CLOSENESS_S = 0.5
"""Time constant of the average over the squared distance [s]."""


class Intent:
    """Estimates what N persons mean and how far they agree with the controller.

    Who knows what they do, however slowly or noisily, goes the controller's way more often than
    not. Who pulls blindly goes against it: the more so the further the grasp is led astray.

    Args:
        hands: N.
        joints: J.
        control_dt: Time between steps [s].
    """

    def __init__(self, hands: int, joints: int, control_dt: float) -> None:
        self._keep = math.exp(-control_dt / AVERAGING_S)
        self._keep_agreement = math.exp(-control_dt / AGREEMENT_S)
        self._added = torch.zeros(hands, joints)
        self._seen = torch.zeros(hands, 1)
        self._products = torch.zeros(hands, 2)
        self._keep_distance = math.exp(-control_dt / CLOSENESS_S)
        self._square = torch.zeros(hands, 1)
        self._seen_distance = torch.zeros(hands, 1)

    def reset(self, chosen: torch.Tensor | None = None) -> None:
        """Forget the hands chosen by a mask of shape (N,); all where None."""
        rows = slice(None) if chosen is None else chosen
        self._added[rows] = 0.0
        self._seen[rows] = 0.0
        self._products[rows] = 0.0
        self._square[rows] = 0.0
        self._seen_distance[rows] = 0.0

    def take(
        self, wish: Wish, own: torch.Tensor, chosen: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Take a step's wishes.

        Args:
            wish: What n persons ask for.
            own: What the controller would do without a command [rad], shape (n, J).
            chosen: Mask of the n hands that they are for, shape (N,); None is all.

        Returns:
            The changes meant [rad], shape (n, J): the own ones now and an average of what the
            commands added to them, or the commands where they stay close to the own ones. The
            trust in each, 0 to 1, shape (n, 1), which grows with the cosine of the angle between
            command and own motion over the last seconds. And how close they stay, 0 to 1, (n, 1).
        """
        rows = slice(None) if chosen is None else chosen
        added = wish.newest - own
        self._added[rows] = torch.lerp(added, self._added[rows], self._keep)
        square = added.square().mean(-1, keepdim=True)
        self._square[rows] = torch.lerp(square, self._square[rows], self._keep_distance)
        # What the first steps weigh: averages over what there was, not over nothing before it.
        for seen, keep in ((self._seen, self._keep), (self._seen_distance, self._keep_distance)):
            seen[rows] = 1.0 - keep * (1.0 - seen[rows])
        distance = (self._square[rows] / self._seen_distance[rows]).sqrt()
        close = ((FAR - distance) / (FAR - CLOSE)).clamp(0.0, 1.0)
        average = self._added[rows] / self._seen[rows]
        meant = torch.lerp(fit_size(own + average, wish.least), wish.newest, close)
        inner = (wish.average * own).sum(-1)
        lengths = wish.average.norm(dim=-1) * own.norm(dim=-1)
        products = torch.stack([inner, lengths], dim=-1)
        self._products[rows] = torch.lerp(products, self._products[rows], self._keep_agreement)
        inner, lengths = self._products[rows].split(1, dim=-1)
        lower = LEAST_AGREEMENT + close * (LEAST_CLOSE_AGREEMENT - LEAST_AGREEMENT)
        known = inner / (lengths + LITTLE) - lower
        return meant, wish.trust * (known / AGREEMENT_SPAN).clamp(0.0, 1.0), close
