"""The AnyGrasp-to-AnyGrasp environment.

Start in a random grasp; the goal is a near grasp; a new goal is drawn when it is reached.
Source: DexterityGen (arXiv 2502.04307), section III-B and appendix B.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.goal_environment import GoalEnvironment
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.rotations import angle_between, conjugate, multiply, to_rotation_vector
from dexgen_app.learn.starts import Start, StuckStates
from dexgen_app.sim.world import World
from dexgen_skill_anygrasp.config import AnyGraspConfig
from dexgen_skill_anygrasp.reward import RewardInput, reward_terms


class AnyGraspEnvironment(GoalEnvironment):
    """Moves objects from grasp to near grasp.

    Args:
        context: Where it runs.
        config: Its settings.
        grasps: One grasp set an object; read from the cache folder where None.
        world: A world to use instead of building one.
    """

    config: AnyGraspConfig

    def __init__(
        self,
        context: EnvironmentContext,
        config: AnyGraspConfig,
        *,
        grasps: Sequence[GraspSet] | None = None,
        world: World | None = None,
    ) -> None:
        super().__init__(
            context, config, goal_seconds=config.goal_seconds, grasps=grasps, world=world
        )
        self.goal_row = torch.zeros(self.count, dtype=torch.long)
        self._reached = torch.zeros(self.count, dtype=torch.bool)
        self._last_tips = torch.zeros(self.count, len(self.hand.fingers), 3)
        self._has_tips = torch.zeros(self.count, dtype=torch.bool)
        self._remaining = torch.zeros(self.count)
        self._stuck = StuckStates()
        self._stuck_steps = max(1, round(config.stuck_seconds / self.step_seconds))

    def choose_starts(self, ids: torch.Tensor, grasps: Start) -> Start:
        """Return the grasps, and in the place of a share of them where others were stuck."""
        share = self.config.stuck_share
        if share == 0.0:
            return grasps
        return self._stuck.put_in(grasps, self.owners[ids], share, self.generator)

    def start_episodes(self, ids: torch.Tensor, start: Start) -> None:
        """Draw goals near the grasps that the episodes start in."""
        self._has_tips[ids] = False
        self.idle_age[ids] = 0
        self._draw_goals(ids, start.pose, start.joints)

    def after_step(self, ids: torch.Tensor) -> None:
        """Replace goals that were reached or took too long."""
        going, ids = ids, self.count_goals(ids, self._reached[ids])
        if self.config.stuck_share:
            self._keep_stuck(going[self.idle_age[going] == self._stuck_steps])
        if len(ids):
            self._draw_goals(ids, self.state.pose[ids], self.state.joints[ids])

    def goal_error(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return distance [m] and angle [rad] of the objects from their goals, each (N,)."""
        goal = self.goals.pose[self.goal_row]
        pose = self.state.pose
        distance = torch.linalg.vector_norm(goal[:, :3] - pose[:, :3], dim=-1)
        return distance, angle_between(goal[:, 3:], pose[:, 3:])

    def evaluate_step(
        self, action: torch.Tensor, previous: torch.Tensor, dropped: torch.Tensor
    ) -> torch.Tensor:
        """Return the reward, shape (N,), and count goals and reward terms."""
        options, state = self.config.goals, self.state
        distance, angle = self.goal_error()
        near = (distance < options.position_tolerance) & (angle < options.angle_tolerance)
        self._reached = near & ~dropped
        remaining = options.position_weight * distance + options.angle_weight * angle
        progress, self._remaining = self._remaining - remaining, remaining
        moved = torch.linalg.vector_norm(state.tips - self._last_tips, dim=-1)
        tip_speed = moved / self.step_seconds * self._has_tips[:, None]
        self._last_tips = state.tips
        self._has_tips = torch.ones_like(self._has_tips)
        terms = reward_terms(
            RewardInput(
                distance=distance,
                angle=angle,
                progress=progress,
                target_error=self.goals.targets[self.goal_row] - self.target,
                reached=self._reached,
                dropped=dropped,
                action=action,
                previous=previous,
                velocity=state.velocity,
                torque=self.world.joint_effort(),
                twist=state.twist,
                tip_speed=tip_speed,
            ),
            self.config.reward,
        )
        self.add_goals(self._reached)
        self.add("sum/goal_distance", float(distance.nan_to_num().sum()))
        self.add("sum/goal_angle", float(angle.nan_to_num().sum()))
        total = torch.zeros(self.count)
        for name, term in terms.items():
            self.add(f"sum/reward_{name}", float(term.nan_to_num().sum()))
            total = total + term
        return self.config.reward.scale * total

    def observe(self) -> dict[str, torch.Tensor]:
        """Return the groups ``policy`` and ``critic``."""
        goal, state = self.goals.pose[self.goal_row], self.state
        turn = multiply(goal[:, 3:], conjugate(state.pose[:, 3:]))
        policy = torch.cat(
            (
                self.base_observation(),
                20.0 * (goal[:, :3] - state.pose[:, :3]),
                2.0 * to_rotation_vector(turn),
                2.0 * (self.goals.targets[self.goal_row] - self.target),
                2.0 * (self.goals.joints[self.goal_row] - state.joints),
            ),
            dim=-1,
        )
        critic = torch.cat((self.privileged_observation(), self.goal_wait()), dim=-1)
        return {"policy": policy, "critic": critic}

    def _keep_stuck(self, ids: torch.Tensor) -> None:
        states = Start(
            joints=self.state.joints[ids],
            target=self.target[ids],
            pose=self.state.pose[ids],
            gravity=self.gravity[ids],
            direction=self.directions[ids],
        )
        self._stuck.keep(states, self.owners[ids])
        self.add("stuck", float(len(ids)))

    def _draw_goals(self, ids: torch.Tensor, pose: torch.Tensor, joints: torch.Tensor) -> None:
        self.goal_row[ids] = self.goals.draw_goals(
            self.owners[ids], self.directions[ids], pose, joints
        )
        self.goal_age[ids] = 0
        goal = self.goals.pose[self.goal_row[ids]]
        distance = torch.linalg.vector_norm(goal[:, :3] - pose[:, :3], dim=-1)
        angle = angle_between(goal[:, 3:], pose[:, 3:])
        options = self.config.goals
        self._remaining[ids] = options.position_weight * distance + options.angle_weight * angle
