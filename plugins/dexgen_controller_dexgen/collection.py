"""Collects transitions: an expert at work, disturbed again and again, and its corrections.

A prior that is trained on an undisturbed expert has never seen what its own small errors lead
to, and one trained under constant noise learns to drift. So disturbances come in bursts, or as a
controller that follows spoiled commands for a while, and only the expert's own steps count as
examples of motion (after DART, Laskey et al. 2017, and DAgger, Ross et al. 2011).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from dexgen_app.learn.environment import HandEnvironment
from dexgen_app.learn.policy import Policy
from dexgen_app.learn.rollout_buffer import RolloutBuffer
from dexgen_app.learn.transitions import TransitionWriter
from dexgen_controller_dexgen.commanders import CORRUPTIONS
from dexgen_controller_dexgen.policy import GuidedPolicy


@dataclass(frozen=True, kw_only=True)
class CollectionConfig:
    """How the expert is disturbed.

    Attributes:
        burst_rate: Chance that a burst of noise begins at a step.
        burst_steps: Longest burst [steps].
        burst_scale: Half width of the burst's uniform noise on actions bounded by 1.
        detour_rate: Chance that the learned controller takes over at a step.
        detour_steps: Longest time that it keeps control [steps].
        detour_strengths: Guidance strengths among which it picks.
        pull_share: Share of the detours on which it is commanded to keep moving in one random
            direction, as an obstinate person would; on the others by a spoiled expert.
        cut_seconds: Time thrown away before a drop [s].
        seed: Seed of the disturbances.
    """

    burst_rate: float = 0.04
    burst_steps: int = 4
    burst_scale: float = 1.5
    detour_rate: float = 0.0
    detour_steps: int = 40
    detour_strengths: tuple[float, ...] = (0.0, 300.0, 1000.0, 3000.0)
    pull_share: float = 0.5
    cut_seconds: float = 2.0
    seed: int = 0


class Collector:
    """Rolls out an expert in a batch of environments and writes what happens.

    Args:
        environment: The hands.
        expert: The expert.
        writer: Where rows go.
        config: How it is disturbed.
        mode: Index of the mode label.
        detour: The learned controller that takes over on detours, in that mode.
    """

    def __init__(
        self,
        environment: HandEnvironment,
        expert: Policy,
        writer: TransitionWriter,
        config: CollectionConfig,
        *,
        mode: int = 0,
        detour: GuidedPolicy | None = None,
    ) -> None:
        hand, count = environment.hand, environment.count
        self.environment, self.expert, self.writer = environment, expert, writer
        self.config, self.mode, self.detour = config, mode, detour
        if detour is not None:
            detour.set_mode(detour.model.info.modes[mode])
        self._random = torch.Generator().manual_seed(config.seed)
        cut = round(config.cut_seconds / environment.step_seconds)
        self._buffer = RolloutBuffer(count, cut, writer.next_episode)
        self._burst = torch.zeros(count, dtype=torch.long)
        self._away = torch.zeros(count, dtype=torch.long)
        self._strength = torch.zeros(count)
        self._pull = torch.zeros(count, hand.joint_count)
        self._pulled = torch.zeros(count, dtype=torch.bool)
        self.drops = 0

    def collect(self, rows: int, report: Callable[[int], None], every: int = 200) -> None:
        """Collect until the dataset has ``rows`` rows in closed shards or pending ones.

        Args:
            rows: Rows to add.
            report: Called with the number of rows added so far.
            every: Steps between writes.
        """
        observation = self.environment.reset()["policy"]
        if self.detour is not None:
            self.detour.reset()
        added, step = 0, 0
        while added < rows:
            observation = self._step(observation)
            step += 1
            if step % every == 0:
                added += self._write(everything=False)
                report(added)
        added += self._write(everything=True)
        self.writer.flush()
        report(added)

    def _write(self, *, everything: bool) -> int:
        block = self._buffer.drain(everything=everything)
        if block is None or not len(block["episode"]):
            return 0
        self.writer.append(block)
        return len(block["episode"])

    def _chance(self, rate: float) -> torch.Tensor:
        return torch.rand(self.environment.count, generator=self._random) < rate

    def _length(self, longest: int) -> torch.Tensor:
        shape = (self.environment.count,)
        return torch.randint(1, longest + 1, shape, generator=self._random)

    def _step(self, observation: torch.Tensor) -> torch.Tensor:
        env, config = self.environment, self.config
        wanted = self.expert(observation).clamp(-1.0, 1.0)
        free = (self._burst == 0) & (self._away == 0)
        begin = free & self._chance(config.burst_rate)
        self._burst = torch.where(begin, self._length(config.burst_steps), self._burst)
        action = wanted.clone()
        bursting = self._burst > 0
        noise = 2.0 * torch.rand(action.shape, generator=self._random) - 1.0
        action = torch.where(bursting[:, None], action + config.burst_scale * noise, action)
        if self.detour is not None:
            leave = free & ~begin & self._chance(config.detour_rate)
            strengths = torch.tensor(config.detour_strengths)
            picks = torch.randint(len(strengths), (env.count,), generator=self._random)
            self._strength = torch.where(leave, strengths[picks], self._strength)
            self._away = torch.where(leave, self._length(config.detour_steps), self._away)
            pull = 2.0 * torch.rand(action.shape, generator=self._random) - 1.0
            self._pull = torch.where(leave[:, None], pull, self._pull)
            self._pulled = torch.where(leave, self._chance(config.pull_share), self._pulled)
            self._take_detours(action, wanted)
        disturbed = bursting | (self._away > 0)
        action = action.clamp(-1.0, 1.0)
        target = env.target.clone()
        following = target + env.config.action_scale * action
        row = {
            "position": env.state.joints,
            "target": target,
            "next_target": torch.clamp(following, env.lower, env.upper),
            "keypoints": env.world.keypoint_position().flatten(1),
            "gravity": env.gravity,
            "mode": torch.full((env.count,), self.mode),
            "clean": ~disturbed,
        }
        row = {name: values.clone().numpy() for name, values in row.items()}
        result = env.step(action)
        self.drops += int(result.dropped.sum())
        self._buffer.append(row, result.dropped.numpy(), result.done.numpy())
        self._burst = (self._burst - 1).clamp(min=0)
        self._away = (self._away - 1).clamp(min=0)
        self._burst[result.done] = 0
        self._away[result.done] = 0
        if self.detour is not None:
            self.detour.reset(result.done)
        return result.observations["policy"]

    def _take_detours(self, action: torch.Tensor, wanted: torch.Tensor) -> None:
        """Replace ``action`` where the learned controller acts on a bad command."""
        assert self.detour is not None
        env, away = self.environment, self._away > 0
        scale = env.config.action_scale
        self.detour.observe(env.state.tips, env.state.joints, env.target)
        if not away.any():
            return
        spoiled = CORRUPTIONS["add1.5"](wanted, self._random)
        command = torch.where(self._pulled[:, None], self._pull, spoiled)
        action[away] = self.detour.act(scale * command, self._strength, chosen=away)[0] / scale
