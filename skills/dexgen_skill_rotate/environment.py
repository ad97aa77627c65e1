"""Continuous in-hand rotation: turn the object about an axis without end and hold it.

What a policy sees has the layout of the AnyGrasp skill's, so that an expert of that one can be
the start: there the goal is a grasp to go to, here it stays ahead about the axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.goal_environment import GoalEnvironment
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.rotations import conjugate, multiply, to_rotation_vector
from dexgen_app.learn.starts import Start
from dexgen_app.sim.world import World
from dexgen_skill_rotate.config import RotateConfig
from dexgen_skill_rotate.goals import RotationGoals, ahead, split
from dexgen_skill_rotate.reward import RotationInput, reward_terms

MEAN_SECONDS = 1.0
"""Time constant of the mean angular velocity, whose angle from the axis is the axis error [s]."""


class RotateEnvironment(GoalEnvironment):
    """Turns objects about an axis of the hand frame.

    It counts the angular speed about the axis and about others at each step, and the angle between
    the mean angular velocity of about the last second and the axis: an object may wobble about the
    axis, or roll about another one.

    Args:
        context: Where it runs.
        config: Its settings.
        grasps: One grasp set an object; read from the cache folder where None.
        world: A world to use instead of building one.

    Raises:
        InputError: No grasp of an object is level with an axis and survives a direction.
    """

    config: RotateConfig
    measures: ClassVar[dict[str, str]] = {
        "turn_speed": "rad/s",
        "off_axis_speed": "rad/s",
        "axis_error": "rad",
    }

    def __init__(
        self,
        context: EnvironmentContext,
        config: RotateConfig,
        *,
        grasps: Sequence[GraspSet] | None = None,
        world: World | None = None,
    ) -> None:
        super().__init__(
            context, config, goal_seconds=config.goal_seconds, grasps=grasps, world=world
        )
        axes = torch.tensor(config.axes)
        self._axes = axes / torch.linalg.vector_norm(axes, dim=-1, keepdim=True)
        self._next = RotationGoals(
            self.goals, self._axes, self.turns, config.start_tilt, self.generator
        )
        self._axis_index = torch.zeros(self.count, dtype=torch.long)
        self.axis = self._axes[self._axis_index]
        self.goal_row = torch.zeros(self.count, dtype=torch.long)
        self.goal_orientation = torch.zeros(self.count, 4)
        self._joints_left = torch.zeros(self.count)
        self._last_turn = torch.zeros(self.count, 4)
        self._mean_spin = torch.zeros(self.count, 3)

    def draw_starts(self, ids: torch.Tensor) -> torch.Tensor:
        """Draw an axis and a grasp that is level with it for each new episode."""
        picks = torch.randint(len(self._axes), (len(ids),), generator=self.generator)
        self._axis_index[ids] = picks
        self.axis[ids] = self._axes[picks]
        rows = torch.empty(len(ids), dtype=torch.long)
        for pool, chosen in self._pools(ids):
            draw = torch.randint(len(pool), (len(chosen),), generator=self.generator)
            rows[chosen] = pool[draw]
        return rows

    def start_episodes(self, ids: torch.Tensor, start: Start) -> None:
        """Choose the first goals of new episodes."""
        self._last_turn[ids] = start.pose[:, 3:]
        self._mean_spin[ids] = 0.0
        self.idle_age[ids] = 0
        self._choose_goals(ids, start.pose, start.joints)

    def after_step(self, ids: torch.Tensor) -> None:
        """Replace goals that were passed or took too long."""
        passed = (self._goal_turn()[ids] * self.axis[ids]).sum(-1) < self.config.passed
        self.add_goals(passed, ids)
        ids = self.count_goals(ids, passed)
        if len(ids):
            self._choose_goals(ids, self.state.pose[ids], self.state.joints[ids])

    def evaluate_step(
        self, action: torch.Tensor, previous: torch.Tensor, dropped: torch.Tensor
    ) -> torch.Tensor:
        """Return the reward, shape (N,), and count the rotation and the reward's terms."""
        state, speed = self.state, self.config.speed
        # Over the whole step: the velocity at its end would reward shaking.
        turn = to_rotation_vector(multiply(state.pose[:, 3:], conjugate(self._last_turn)))
        self._last_turn = state.pose[:, 3:].clone()
        spin = turn / self.step_seconds
        along, off = split(spin, self.axis)
        self._mean_spin += self.step_seconds * (spin - self._mean_spin) / MEAN_SECONDS
        _, tilt = split(self._goal_turn(), self.axis)
        goal = self.goals.pose[self.goal_row]
        error = self.goals.targets[self.goal_row] - self.target
        joints_left = torch.linalg.vector_norm(error, dim=-1)
        progress, self._joints_left = self._joints_left - joints_left, joints_left
        terms = reward_terms(
            RotationInput(
                along=along.clamp(-speed, speed),
                off=off.clamp(max=5.0),
                distance=torch.linalg.vector_norm(goal[:, :3] - state.pose[:, :3], dim=-1),
                tilt=tilt,
                target_error=error,
                joint_progress=progress,
                speed=torch.linalg.vector_norm(state.twist[:, :3], dim=-1),
                dropped=dropped,
                action=action,
                previous=previous,
                velocity=state.velocity,
                torque=self.world.joint_effort(),
            ),
            self.config.reward,
        )
        held = (~dropped).float()
        self.add("sum/turn_speed", float((along.nan_to_num() * held).sum()))
        self.add("sum/off_axis_speed", float((off.nan_to_num() * held).sum()))
        mean_along, mean_off = split(self._mean_spin, self.axis)
        axis_error = torch.atan2(mean_off, mean_along)
        self.add("sum/axis_error", float((axis_error.nan_to_num() * held).sum()))
        total = torch.zeros(self.count)
        for name, term in terms.items():
            self.add(f"sum/reward_{name}", float(term.nan_to_num().sum()))
            total = total + term
        return self.config.reward.scale * total

    def observe(self) -> dict[str, torch.Tensor]:
        """Return the groups ``policy`` and ``critic``."""
        state = self.state
        policy = torch.cat(
            (
                self.base_observation(),
                20.0 * (self.goals.pose[self.goal_row, :3] - state.pose[:, :3]),
                2.0 * self._goal_turn(),
                2.0 * (self.goals.targets[self.goal_row] - self.target),
                2.0 * (self.goals.joints[self.goal_row] - state.joints),
            ),
            dim=-1,
        )
        critic = torch.cat((self.privileged_observation(), self.axis, self.goal_wait()), dim=-1)
        return {"policy": policy, "critic": critic}

    def _goal_turn(self) -> torch.Tensor:
        """Return the rotation vectors from the objects to their goals [rad], shape (N, 3)."""
        return to_rotation_vector(
            multiply(self.goal_orientation, conjugate(self.state.pose[:, 3:]))
        )

    def _choose_goals(self, ids: torch.Tensor, pose: torch.Tensor, joints: torch.Tensor) -> None:
        if self.config.next_grasp == "start":
            self.goal_row[ids] = self._start_rows[ids]
            lead = self.config.lead * self.axis[ids]
            self.goal_orientation[ids] = ahead(pose[:, 3:], self.axis[ids], lead)
        else:
            self._choose_near(ids, pose, joints)
        self.goal_age[ids] = 0
        error = self.goals.targets[self.goal_row[ids]] - self.target[ids]
        self._joints_left[ids] = torch.linalg.vector_norm(error, dim=-1)

    def _choose_near(self, ids: torch.Tensor, pose: torch.Tensor, joints: torch.Tensor) -> None:
        for pool, chosen in self._pools(ids):
            first = ids[chosen[0]]
            found = self._next.choose(
                pool,
                int(self.owners[first]),
                self.axis[first],
                pose[chosen],
                joints[chosen],
                self.config.lead,
                self.config.recentre,
            )
            self.goal_row[ids[chosen]] = found.rows
            self.goal_orientation[ids[chosen]] = found.orientation

    def _pools(self, ids: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return pools of grasps, each with the positions in ``ids`` that it is for."""
        keys = torch.stack((self.owners[ids], self._axis_index[ids], self.directions[ids]), 1)
        kinds, kind = torch.unique(keys, dim=0, return_inverse=True)
        return [
            (
                self._next.pool(*(int(value) for value in key)),
                torch.nonzero(kind == index).squeeze(-1),
            )
            for index, key in enumerate(kinds)
        ]
