"""Continuous in-hand rotation: turn the object about an axis and keep it in place.

The reward follows HORA (arXiv 2210.04887): clipped angular speed about the axis, less penalties on
linear speed, on leaving the start pose, on torque and on work.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dexgen_app.learn.environment import EnvironmentContext, HandEnvironment
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.rotations import conjugate, multiply, to_rotation_vector
from dexgen_app.sim.world import World
from dexgen_skill_rotate.config import RotateConfig


class RotateEnvironment(HandEnvironment):
    """Turns objects about an axis of the hand frame.

    Args:
        context: Where it runs.
        config: Its settings.
        grasps: One grasp set an object; read from the cache folder where None.
        world: A world to use instead of building one.
    """

    config: RotateConfig

    def __init__(
        self,
        context: EnvironmentContext,
        config: RotateConfig,
        *,
        grasps: Sequence[GraspSet] | None = None,
        world: World | None = None,
    ) -> None:
        super().__init__(context, config, grasps=grasps, world=world)
        axes = torch.tensor(config.axes)
        self._axes = axes / torch.linalg.vector_norm(axes, dim=-1, keepdim=True)
        self.axis = self._axes[torch.zeros(self.count, dtype=torch.long)]
        self._start_joints = torch.zeros(self.count, self.action_size)
        self._start_position = torch.zeros(self.count, 3)
        self._last_turn = torch.zeros(self.count, 4)

    def start_episodes(self, ids: torch.Tensor, rows: torch.Tensor) -> None:
        """Draw an axis for each new episode and remember where it starts."""
        picks = torch.randint(len(self._axes), (len(ids),), generator=self.generator)
        self.axis[ids] = self._axes[picks]
        self._start_joints[ids] = self.goals.joints[rows]
        self._start_position[ids] = self.goals.pose[rows, :3]
        self._last_turn[ids] = self.goals.pose[rows, 3:]

    def after_step(self, ids: torch.Tensor) -> None:
        """Do nothing: the axis stays for an episode."""

    def evaluate_step(
        self, action: torch.Tensor, previous: torch.Tensor, dropped: torch.Tensor
    ) -> torch.Tensor:
        """Return the reward, shape (N,), and count the rotation about the axis."""
        w, state = self.config.reward, self.state
        # Over the whole step: the velocity at its end would reward shaking.
        turn = to_rotation_vector(multiply(state.pose[:, 3:], conjugate(self._last_turn)))
        self._last_turn = state.pose[:, 3:].clone()
        spin = turn / self.step_seconds
        along = (spin * self.axis).sum(-1)
        off = torch.linalg.vector_norm(spin - along[:, None] * self.axis, dim=-1)
        offset = torch.linalg.vector_norm(state.pose[:, :3] - self._start_position, dim=-1)
        torque = self.world.joint_effort()
        speed = torch.linalg.vector_norm(state.twist[:, :3], dim=-1)
        reward = (
            w.turn * along.clamp(-self.config.speed, self.config.speed)
            - w.off_axis * off.clamp(max=5.0)
            - w.object_speed * speed
            - w.offset * offset
            - w.pose * (state.joints - self._start_joints).square().sum(-1)
            - w.action * action.square().sum(-1)
            - w.action_change * (action - previous).square().sum(-1)
            - w.work * (state.velocity * torque).sum(-1).abs()
            - w.torque * torque.square().sum(-1)
        )
        reward = torch.where(dropped, -w.drop, reward + w.alive)
        held = (~dropped).float()
        self.add("sum/turn_speed", float((along.nan_to_num() * held).sum()))
        self.add("sum/off_axis_speed", float((off.nan_to_num() * held).sum()))
        return w.scale * reward

    def observe(self) -> dict[str, torch.Tensor]:
        """Return the groups ``policy`` and ``critic``."""
        state = self.state
        policy = torch.cat(
            (
                self.base_observation(),
                self.axis,
                20.0 * (state.pose[:, :3] - self._start_position),
                state.joints - self._start_joints,
            ),
            dim=-1,
        )
        return {"policy": policy, "critic": self.privileged_observation()}
