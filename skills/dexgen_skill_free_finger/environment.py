"""One finger follows joint targets of its own while the others hold the object.

DexterityGen (arXiv 2502.04307), section III-B, names the task without its details; targets here
open the finger away from the object or bend it, and the object should stay as it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.environment import EnvironmentContext, HandEnvironment
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.rotations import angle_between, conjugate, multiply, to_rotation_vector
from dexgen_app.learn.starts import Start
from dexgen_app.sim.world import World
from dexgen_skill_free_finger.config import FreeFingerConfig


class FreeFingerEnvironment(HandEnvironment):
    """Moves one finger and holds with the others.

    Args:
        context: Where it runs.
        config: Its settings.
        grasps: One grasp set an object; read from the cache folder where None.
        world: A world to use instead of building one.

    Raises:
        InputError: The hand has no finger of a name in the settings.
    """

    config: FreeFingerConfig

    def __init__(
        self,
        context: EnvironmentContext,
        config: FreeFingerConfig,
        *,
        grasps: Sequence[GraspSet] | None = None,
        world: World | None = None,
    ) -> None:
        super().__init__(context, config, grasps=grasps, world=world)
        names = [finger.name for finger in self.hand.fingers]
        missing = set(config.fingers) - set(names)
        if missing or not config.fingers:
            raise InputError(
                f"{self.hand.id} has no finger {', '.join(sorted(missing))}".rstrip(),
                where="fingers",
                remedy=f"Use some of {', '.join(names)}",
            )
        self._choosable = torch.tensor([names.index(name) for name in config.fingers])
        self._owned = torch.zeros(len(names), self.action_size, dtype=torch.bool)
        for row, finger in enumerate(self.hand.fingers):
            for joint in finger.joints:
                self._owned[row, self.hand.joint_index(joint)] = True
        self.finger = torch.zeros(self.count, dtype=torch.long)
        self.wish = torch.zeros(self.count, self.action_size)
        self._start_joints = torch.zeros(self.count, self.action_size)
        self._start_pose = torch.zeros(self.count, 7)
        self._waited = torch.zeros(self.count, dtype=torch.long)
        self._patience = max(1, round(config.target_seconds / self.step_seconds))
        self._reached = torch.zeros(self.count, dtype=torch.bool)
        self._remaining = torch.zeros(self.count)

    @property
    def free(self) -> torch.Tensor:
        """Which joints belong to the free finger, shape (N, J)."""
        return self._owned[self.finger]

    def start_episodes(self, ids: torch.Tensor, start: Start) -> None:
        """Choose a finger for each new episode and give it a target."""
        picks = torch.randint(len(self._choosable), (len(ids),), generator=self.generator)
        self.finger[ids] = self._choosable[picks]
        self._start_joints[ids] = start.joints
        self._start_pose[ids] = start.pose
        self._draw(ids, start.joints)

    def after_step(self, ids: torch.Tensor) -> None:
        """Replace targets that were reached or took too long."""
        self._waited[ids] += 1
        old = self._reached[ids] | (self._waited[ids] >= self._patience)
        if bool(old.any()):
            self._draw(ids[old], self.state.joints[ids[old]])

    def evaluate_step(
        self, action: torch.Tensor, previous: torch.Tensor, dropped: torch.Tensor
    ) -> torch.Tensor:
        """Return the reward, shape (N,), and count the targets that were reached."""
        w, state, free = self.config.reward, self.state, self.free
        error = torch.where(free, (self.wish - state.joints).abs(), 0.0).amax(-1)
        self._reached = (error < self.config.tolerance) & ~dropped
        remaining = self._mean_error(state.joints, self.wish, free)
        progress, self._remaining = self._remaining - remaining, remaining
        offset = torch.linalg.vector_norm(state.pose[:, :3] - self._start_pose[:, :3], dim=-1)
        turned = angle_between(state.pose[:, 3:], self._start_pose[:, 3:])
        holding = torch.where(free, 0.0, action)
        reward = (
            torch.exp(-w.follow * error)
            + w.progress * progress
            + w.reached * self._reached.float()
            - w.offset * offset
            - w.turn * turned
            - w.action * holding.square().sum(-1)
            - w.action_change * (action - previous).square().sum(-1)
        )
        self.add_goals(self._reached)
        self.add("sum/finger_error", float(error.nan_to_num().sum()))
        self.add("sum/object_offset", float(offset.nan_to_num().sum()))
        return w.scale * torch.where(dropped, -w.drop, reward + w.alive)

    def observe(self) -> dict[str, torch.Tensor]:
        """Return the groups ``policy`` and ``critic``."""
        state, free = self.state, self.free
        turn = multiply(self._start_pose[:, 3:], conjugate(state.pose[:, 3:]))
        chosen = torch.nn.functional.one_hot(self.finger, len(self.hand.fingers)).float()
        policy = torch.cat(
            (
                self.base_observation(),
                chosen,
                2.0 * torch.where(free, self.wish - state.joints, 0.0),
                20.0 * (self._start_pose[:, :3] - state.pose[:, :3]),
                2.0 * to_rotation_vector(turn),
            ),
            dim=-1,
        )
        waited = self._waited[:, None] / self._patience
        return {"policy": policy, "critic": torch.cat((self.privileged_observation(), waited), -1)}

    def _draw(self, ids: torch.Tensor, joints: torch.Tensor) -> None:
        spread = 2.0 * torch.rand(len(ids), self.action_size, generator=self.generator) - 1.0
        wish = self._start_joints[ids] + self.config.reach * spread
        self.wish[ids] = torch.clamp(wish, self.lower, self.upper)
        self._waited[ids] = 0
        self._remaining[ids] = self._mean_error(joints, self.wish[ids], self.free[ids])

    @staticmethod
    def _mean_error(joints: torch.Tensor, wish: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
        """Return the mean distance of the free joints from their targets [rad], shape (n,)."""
        return torch.where(free, (wish - joints).abs(), 0.0).sum(-1) / free.sum(-1).clamp_min(1)
