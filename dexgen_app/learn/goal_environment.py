"""What environments with goals share: their age, progress, and objects seen modulo symmetry."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dexgen_app.learn.environment import EnvironmentContext, HandEnvironment
from dexgen_app.learn.environment_config import EnvironmentConfig
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.symmetry import nearest_equivalent, turn_table
from dexgen_app.sim.world import World


class GoalEnvironment(HandEnvironment):
    """A batch of hands whose goals are replaced when they are reached or after a time.

    Args:
        context: Where it runs.
        config: Its settings.
        goal_seconds: Longest time for one goal [s].
        grasps: One grasp set an object; read from the cache folder where None.
        world: A world to use instead of building one.

    Attributes:
        turns: Rotations of each object onto itself, shape (objects, 24, 4).
        goal_age: Steps since the goal was drawn, shape (N,).
        idle_age: Steps since a goal was reached, shape (N,).
    """

    def __init__(
        self,
        context: EnvironmentContext,
        config: EnvironmentConfig,
        *,
        goal_seconds: float,
        grasps: Sequence[GraspSet] | None = None,
        world: World | None = None,
    ) -> None:
        super().__init__(context, config, grasps=grasps, world=world)
        self.turns = turn_table(config.objects)
        self._own_turns = self.turns[self.owners]
        self.goal_age = torch.zeros(self.count, dtype=torch.long)
        self.idle_age = torch.zeros(self.count, dtype=torch.long)
        self._goal_steps = max(1, round(goal_seconds / self.step_seconds))

    def count_goals(self, ids: torch.Tensor, reached: torch.Tensor) -> torch.Tensor:
        """Count a step of the environments ``ids``, shape (n,).

        Args:
            ids: Environments.
            reached: Whether each of them reached its goal, shape (n,).

        Returns:
            The environments whose goals are to be replaced.
        """
        self.goal_age[ids] += 1
        self.idle_age[ids] += 1
        self.idle_age[ids[reached]] = 0
        return ids[reached | (self.goal_age[ids] >= self._goal_steps)]

    def goal_wait(self) -> torch.Tensor:
        """Return the share of a goal's time that is over, shape (N, 1)."""
        return self.goal_age[:, None] / self._goal_steps

    def find_stalled(self) -> torch.Tensor:
        """Return where no goal was reached for ``stall_seconds``, shape (N,)."""
        return self.idle_age * self.step_seconds >= self.config.stall_seconds

    def seen_orientation(self) -> torch.Tensor:
        """Return the equivalent orientation that is nearest to the hand frame's axes."""
        reference = torch.zeros(self.count, 4)
        reference[:, 0] = 1.0
        return nearest_equivalent(self.state.pose[:, 3:], self._own_turns, reference)
