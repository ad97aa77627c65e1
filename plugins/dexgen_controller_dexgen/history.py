"""The controller's view of the hand: a short history of proprioception."""

from __future__ import annotations

import torch

HISTORY = 4
HORIZON = 2


def state_size(joints: int, fingers: int) -> int:
    """Return the size of a stacked state."""
    return HISTORY * (3 * fingers + 3 * joints)


def stack_state(tips: torch.Tensor, position: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Stack the last steps into one state vector.

    Args:
        tips: Fingertip positions in the hand frame [m], shape (n, HISTORY, 3 F), oldest first.
        position: Joint positions [rad], shape (n, HISTORY, J).
        target: Joint targets in force [rad], shape (n, HISTORY, J).

    Returns:
        Shape (n, HISTORY (3 F + 3 J)): tips, positions, targets and control errors by step.
    """
    return torch.cat([tips, position, target, target - position], dim=-1).flatten(1)


class HistoryBuffer:
    """Keeps the last steps of N hands.

    Args:
        hands: N.
        joints: J.
        fingers: F.
    """

    def __init__(self, hands: int, joints: int, fingers: int) -> None:
        self._tips = torch.zeros(hands, HISTORY, 3 * fingers)
        self._position = torch.zeros(hands, HISTORY, joints)
        self._target = torch.zeros(hands, HISTORY, joints)
        self._fresh = torch.ones(hands, dtype=torch.bool)

    def reset(self, chosen: torch.Tensor | None = None) -> None:
        """Forget the history of the hands chosen by a mask of shape (N,); all where None."""
        self._fresh |= torch.ones_like(self._fresh) if chosen is None else chosen

    def append(self, tips: torch.Tensor, position: torch.Tensor, target: torch.Tensor) -> None:
        """Add a step of shapes (N, 3 F), (N, J) and (N, J); the first one fills the history."""
        fresh = self._fresh[:, None, None]
        for store, new in (
            (self._tips, tips),
            (self._position, position),
            (self._target, target),
        ):
            shifted = torch.cat([store[:, 1:], new[:, None]], dim=1)
            store.copy_(torch.where(fresh, new[:, None].expand_as(store), shifted))
        self._fresh[:] = False

    def state(self) -> torch.Tensor:
        """Return the stacked states, shape (N, state size)."""
        return stack_state(self._tips, self._position, self._target)
