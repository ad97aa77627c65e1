"""Who commands the hand in the benchmark: a spoiled expert, chance, or a recorded person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.environment import HandEnvironment
from dexgen_app.learn.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """How an expert's actions, bounded by 1, are spoiled.

    Attributes:
        name: Name in tables.
        added: Half width of uniform noise that is added.
        scaled: Upper end of the uniform factor, from 0, that multiplies; None leaves it 1.
    """

    name: str
    added: float = 0.0
    scaled: float | None = None

    def __call__(self, action: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Return spoiled actions within [-1, 1], shape (N, J)."""
        if self.scaled is not None:
            # One factor an action, not a joint: the hand is slowed down as a whole.
            action = action * self.scaled * torch.rand(len(action), 1, generator=random)
        if self.added:
            noise = 2.0 * torch.rand(action.shape, generator=random) - 1.0
            action = action + self.added * noise
        return action.clamp(-1.0, 1.0)


CORRUPTIONS = {
    c.name: c
    for c in (
        Corruption(name="none"),
        Corruption(name="add0.75", added=0.75),
        Corruption(name="add1.5", added=1.5),
        Corruption(name="mul0.5", scaled=0.5),
        Corruption(name="mul1.0", scaled=1.0),
    )
}
"""The four corruptions of DexterityGen (figure 8), and none."""


class Commander(Protocol):
    """Gives coarse commands as joint-target increments in units of the action scale."""

    def act(self, environment: HandEnvironment, observation: torch.Tensor) -> torch.Tensor:
        """Return commands within [-1, 1], shape (N, J)."""

    def restart(self, ended: torch.Tensor) -> None:
        """Be told which environments started anew, a mask of shape (N,)."""


class SpoiledExpert:
    """An expert whose actions are corrupted."""

    def __init__(self, expert: Policy, corruption: Corruption, seed: int) -> None:
        self._expert = expert
        self._corruption = corruption
        self._random = torch.Generator().manual_seed(seed)

    def act(self, environment: HandEnvironment, observation: torch.Tensor) -> torch.Tensor:
        """Return the expert's action, spoiled."""
        return self._corruption(self._expert(observation).clamp(-1.0, 1.0), self._random)

    def restart(self, ended: torch.Tensor) -> None:
        """An expert keeps no memory."""


class RandomCommander:
    """Uniform random increments."""

    def __init__(self, seed: int) -> None:
        self._random = torch.Generator().manual_seed(seed)

    def act(self, environment: HandEnvironment, observation: torch.Tensor) -> torch.Tensor:
        """Return uniform actions."""
        shape = environment.target.shape
        return 2.0 * torch.rand(shape, generator=self._random) - 1.0

    def restart(self, ended: torch.Tensor) -> None:
        """Chance keeps no memory."""


class ClipCommander:
    """A person's recorded motion, retargeted: each hand plays it from its own place in a loop.

    Args:
        poses: Joint targets at the control rate [rad], shape (T, J).
        hands: Number of environments.
        seed: Seed of the starting places.
    """

    def __init__(self, poses: torch.Tensor, hands: int, seed: int) -> None:
        if poses.ndim != 2 or len(poses) < 2 or not torch.isfinite(poses).all():
            raise InputError("the commanded motion has no two finite poses")
        self._poses = poses
        self._random = torch.Generator().manual_seed(seed)
        self._place = torch.randint(len(poses), (hands,), generator=self._random)

    def act(self, environment: HandEnvironment, observation: torch.Tensor) -> torch.Tensor:
        """Return increments towards the person's pose, as fast as actions allow."""
        goal = self._poses[self._place]
        self._place = (self._place + 1) % len(self._poses)
        return ((goal - environment.target) / environment.config.action_scale).clamp(-1.0, 1.0)

    def restart(self, ended: torch.Tensor) -> None:
        """Go on from another place of the clip."""
        places = torch.randint(len(self._poses), self._place.shape, generator=self._random)
        self._place = torch.where(ended, places, self._place)


def commanded_offset(
    sites: Callable[[torch.Tensor], torch.Tensor], position: torch.Tensor, change: torch.Tensor
) -> torch.Tensor:
    """Return how far a command would move the keypoints, if nothing were in the way.

    A grasp is held by targets that lie inside the object. What the person asks for is therefore
    the change of the targets, taken from where the hand is, and not the way to the targets.

    Args:
        sites: Forward kinematics, (n, J) to (n, K, 3).
        position: Joint positions [rad], shape (n, J).
        change: Commanded change of the joint targets [rad], shape (n, J).

    Returns:
        Offsets in the hand frame [m], shape (n, K, 3).
    """
    return sites(position + change) - sites(position)
