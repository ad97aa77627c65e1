"""What every skill's environment shares: control, drops, gravity, episodes, observations, counts.

A skill subclasses ``HandEnvironment`` and gives it goals, observations and a reward.
"""

from __future__ import annotations

import contextlib
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch

from dexgen_app.errors import InputError, SimulationError
from dexgen_app.learn.disturbance import Disturbance
from dexgen_app.learn.environment_config import EnvironmentConfig
from dexgen_app.learn.goals import GraspGoals
from dexgen_app.learn.grasp_set import GraspSet, grasp_path, load_grasps
from dexgen_app.learn.guard import FiniteGuard
from dexgen_app.learn.object_names import check_gravity
from dexgen_app.learn.randomisation import Randomiser
from dexgen_app.learn.rotations import from_rotation_vector, rotate, tilt
from dexgen_app.learn.starts import Start
from dexgen_app.sim.cache import simulator_backend
from dexgen_app.sim.world import Engine, World, WorldOptions, make_world
from dexgen_app.spec import GRAVITY_DIRECTIONS, HandSpec

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class EnvironmentContext:
    """Where an environment runs.

    Attributes:
        hand: The hand.
        engine: The simulator.
        environments: Number of environments of this process.
        seed: Seed of everything random in it.
        folder: Where a non-finite step is written; None writes nothing.
        stagger: Whether the first episodes end at random times, so that episodes do not end
            together for ever after.
    """

    hand: HandSpec
    engine: Engine = "genesis"
    environments: int = 1
    seed: int = 0
    folder: Path | None = None
    stagger: bool = False

    @functools.cached_property
    def device(self) -> torch.device:
        """Where the environment's tensors live: beside the simulator's."""
        return torch.device(simulator_backend() if self.engine == "genesis" else "cpu")

    @contextlib.contextmanager
    def on_device(self) -> Iterator[None]:
        """Make new tensors on ``device`` meanwhile."""
        if self.device.type == "cpu":  # the default, at no cost
            yield
            return
        with self.device:
            yield


@dataclass(eq=False, kw_only=True)
class Snapshot:
    """What a control step ends with; names and shapes as in ``World``."""

    joints: torch.Tensor
    velocity: torch.Tensor
    pose: torch.Tensor
    twist: torch.Tensor
    tips: torch.Tensor


@dataclass(eq=False, kw_only=True)
class StepResult:
    """What ``HandEnvironment.step`` returns.

    Attributes:
        observations: By group, each of shape (N, size); already of the new episode where one
            ended.
        reward: Shape (N,).
        done: Whether the episode ended, shape (N,), bool.
        timed_out: Whether it ended only because its time was over, shape (N,), bool.
        dropped: Whether it ended with a drop, shape (N,), bool.
    """

    observations: dict[str, torch.Tensor]
    reward: torch.Tensor
    done: torch.Tensor
    timed_out: torch.Tensor
    dropped: torch.Tensor


def _on_device(method: Callable[..., _Result]) -> Callable[..., _Result]:
    @functools.wraps(method)
    def run(self: HandEnvironment, *arguments: Any) -> _Result:
        with self.context.on_device():
            return method(self, *arguments)

    return run


class HandEnvironment(ABC):
    """A batch of hands that hold objects.

    Args:
        context: Where it runs.
        config: Its settings.
        grasps: One grasp set an object; read from the cache folder where None.
        world: A world to use instead of building one; its size must fit ``context``.

    Attributes:
        measures: What an evaluation tells of this skill beside drops and goals: counts
            ``sum/NAME``, by ``NAME``, with their units.
        goals_reached: Goals that each environment has reached since it was made, shape (N,).

    Raises:
        InputError: A direction of gravity is unknown, or an object has no grasp that survives it.
        SimulationError: The simulator runs on a graphics card, but this was not built for one; see
            ``build_environment``.
    """

    config: EnvironmentConfig
    measures: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        context: EnvironmentContext,
        config: EnvironmentConfig,
        *,
        grasps: Sequence[GraspSet] | None = None,
        world: World | None = None,
    ) -> None:
        if torch.get_default_device().type != context.device.type:
            raise SimulationError(
                "only training and its evaluation run on a graphics card",
                where="DEXGEN_SIM_BACKEND",
                remedy="Unset it, or set it to cpu",
            )
        self.context = context
        self.config = config
        hand = context.hand
        self.hand = hand
        self.count = context.environments
        self.action_size = hand.joint_count
        self.generator = torch.Generator(context.device).manual_seed(context.seed)
        if grasps is None:
            grasps = [load_grasps(grasp_path(hand, o), hand) for o in config.objects]
        self.goals = GraspGoals(grasps, config.goals, self.generator)
        blocks = len(config.objects)
        self.owners = torch.arange(self.count) * blocks // self.count
        self._check_directions(blocks)
        self.world = world or make_world(
            context.engine,
            WorldOptions(
                hand=hand,
                objects=config.objects,
                environments=self.count,
                physics=config.physics,
                seed=context.seed,
            ),
        )
        specs = [config.objects[i] for i in self.owners.tolist()]
        self.object_size = torch.tensor([s.size for s in specs])
        self.randomiser = Randomiser(
            config.randomisation,
            self.world,
            mass=torch.tensor([s.mass for s in specs]),
            friction=torch.tensor([s.friction for s in specs]),
            stiffness=config.stiffness,
            damping=config.damping,
            generator=self.generator,
        )
        self.guard = FiniteGuard(context.folder)
        self.lower, self.upper = torch.tensor(hand.limits, dtype=torch.float32)
        self._center = torch.tensor(hand.grasp_center)
        self._world_steps = max(1, round(1.0 / config.control_hz / config.physics.dt))
        self.step_seconds = self._world_steps * config.physics.dt
        self._disturb = Disturbance(
            config.disturbance, self.count, self.step_seconds, self.generator
        )
        self._episode_steps = max(1, round(config.episode_seconds / self.step_seconds))
        self._table = torch.tensor(list(GRAVITY_DIRECTIONS.values()))
        self.choose_gravity(config.gravity)
        self.directions = torch.zeros(self.count, dtype=torch.long)
        self.gravity = self._table[self.directions]
        self._spin = torch.zeros(self.count, 3)
        self.age = torch.zeros(self.count, dtype=torch.long)
        self._start_rows = torch.zeros(self.count, dtype=torch.long)
        self._start_directions = torch.zeros(self.count, dtype=torch.long)
        self._start_gravity = self.gravity.clone()
        self.last_action = torch.zeros(self.count, self.action_size)
        self.target = torch.zeros(self.count, self.action_size)
        self._counts: dict[str, float] = {}
        self.goals_reached = torch.zeros(self.count, dtype=torch.long)
        self.state: Snapshot

    def _check_directions(self, blocks: int) -> None:
        names = list(GRAVITY_DIRECTIONS)
        for name in self.config.gravity:
            check_gravity(name)
            for owner in range(blocks):
                if self.goals.count(owner, names.index(name)) == 0:
                    raise InputError(
                        f"no grasp of object {owner} survives gravity {name}",
                        where="gravity",
                        remedy="Make more grasps with `dexgen-app grasps make`",
                    )

    # What a skill gives.

    @abstractmethod
    def observe(self) -> dict[str, torch.Tensor]:
        """Return the observations by group: ``policy`` and, for the critic only, ``critic``."""

    @abstractmethod
    def start_episodes(self, ids: torch.Tensor, start: Start) -> None:
        """Be told that environments ``ids`` were put into the states ``start``."""

    @abstractmethod
    def evaluate_step(
        self, action: torch.Tensor, previous: torch.Tensor, dropped: torch.Tensor
    ) -> torch.Tensor:
        """Return the reward of the step that led to ``state``, shape (N,); add to the counts.

        Args:
            action: The action, bounded by 1, shape (N, J).
            previous: The action before it, shape (N, J).
            dropped: Whether the object was dropped in this step, shape (N,).
        """

    @abstractmethod
    def after_step(self, ids: torch.Tensor) -> None:
        """Change goals of environments whose episode goes on, given as ``ids``."""

    # What the environment does.

    @_on_device
    def reset(self) -> dict[str, torch.Tensor]:
        """Start every episode anew and return the observations."""
        everything = torch.arange(self.count)
        self._restart(everything, torch.zeros(self.count, dtype=torch.bool))
        if self.context.stagger:
            self.age = torch.randint(self._episode_steps, (self.count,), generator=self.generator)
        self.state = self._read()
        return self.observe()

    @_on_device
    def step(self, action: torch.Tensor) -> StepResult:
        """Advance one control step.

        Args:
            action: Shape (N, J); values beyond [-1, 1] are clipped.

        Returns:
            The step's result. Episodes that ended have already started anew.

        Raises:
            SimulationError: Too many values were not finite.
        """
        previous = self.last_action
        action = self._disturb(torch.nan_to_num(action).clamp(-1.0, 1.0))
        self.apply_action(action)
        self.state = self._read()
        dropped = self._find_drops()
        self.last_action = action
        reward = self.evaluate_step(action, previous, dropped)
        bad = self.guard.check(
            {
                "joints": self.state.joints,
                "velocity": self.state.velocity,
                "target": self.target.clone(),
                "pose": self.state.pose,
                "twist": self.state.twist,
                "action": action,
                "gravity": self.gravity.clone(),
                "reward": reward,
            }
        )
        reward = torch.where(bad, torch.zeros_like(reward), reward)
        dropped = dropped & ~bad
        self.age += 1
        failed = dropped | bad
        if self.config.stall_seconds > 0.0:
            stalled = self.find_stalled() & ~failed
            self.add("stalls", float(stalled.sum()))
            failed |= stalled
        timed_out = (self.age >= self._episode_steps) & ~failed
        done = failed | timed_out
        self.add("steps", float(self.count))
        self.add("seconds", self.count * self.step_seconds)
        self.add("drops", float(dropped.sum()))
        self.add("trials", float((dropped | timed_out).sum()))
        self.add("sum/reward", float(reward.sum()))
        self.after_step(torch.nonzero(~done).squeeze(-1))
        ended = torch.nonzero(done).squeeze(-1)
        if len(ended):
            self._restart(ended, self._draw_retries(ended, dropped[ended]))
            self.state = self._read()
        return StepResult(
            observations=self.observe(),
            reward=reward,
            done=done,
            timed_out=timed_out,
            dropped=dropped,
        )

    def apply_action(self, action: torch.Tensor) -> None:
        """Move the targets by an action bounded by 1, turn the wrist and advance the physics."""
        change = self.config.action_scale * self.randomiser.disturb_action(action)
        self.target = torch.clamp(self.target + change, self.lower, self.upper)
        self._turn_wrist()
        self.world.set_targets(self.target)
        self.randomiser.push()
        try:
            self.world.step(self._world_steps)
        except SimulationError:
            # An environment diverged: the guard finds and restarts it, if it is one of these.
            if bool(torch.isfinite(self.world.joint_position()).all()):
                raise

    @_on_device
    def choose_gravity(self, names: Sequence[str]) -> None:
        """Let episodes that start from now on have gravity point in these directions."""
        known = list(GRAVITY_DIRECTIONS)
        self._choices = torch.tensor([known.index(name) for name in names])

    def drain_counts(self) -> dict[str, float]:
        """Return the counts since the last call and start new ones."""
        counts, self._counts = self._counts, {}
        return counts

    def add(self, name: str, value: float) -> None:
        """Add to a count; names ``sum/...`` become means over steps."""
        self._counts[name] = self._counts.get(name, 0.0) + value

    def add_goals(self, reached: torch.Tensor, ids: torch.Tensor | slice = slice(None)) -> None:
        """Count goals of the environments ``ids``, all by default.

        Args:
            reached: Whether each of them reached its goal in this step, shape (n,), bool.
            ids: Environments, shape (n,).
        """
        self.goals_reached[ids] += reached.long()
        self.add("goals", float(reached.sum()))

    def close(self) -> None:
        """Release the world."""
        self.world.close()

    def base_observation(self) -> torch.Tensor:
        """Return what every policy sees: joints, targets, object, tips, gravity, last action."""
        state = self.state
        joints = self.randomiser.observe_joints(state.joints)
        middle, half = 0.5 * (self.upper + self.lower), 0.5 * (self.upper - self.lower)
        position, orientation = state.pose[:, :3], self.seen_orientation()
        tips = (state.tips - position[:, None]).flatten(1)
        return torch.cat(
            (
                (joints - middle) / half,
                (self.target - middle) / half,
                4.0 * (self.target - joints),
                (0.5 * state.velocity).clamp(-3.0, 3.0),
                self.last_action,
                20.0 * (position - self._center),
                torch.where(orientation[:, :1] < 0.0, -orientation, orientation),
                (5.0 * state.twist[:, :3]).clamp(-3.0, 3.0),
                (0.5 * state.twist[:, 3:]).clamp(-3.0, 3.0),
                15.0 * tips,
                20.0 * self.object_size,
                self.gravity,
            ),
            dim=-1,
        )

    def seen_orientation(self) -> torch.Tensor:
        """Return the orientations that policies see, shape (N, 4); the object's own by default."""
        return self.state.pose[:, 3:]

    def find_stalled(self) -> torch.Tensor:
        """Return which episodes make no progress, shape (N,), bool; none by default."""
        return torch.zeros(self.count, dtype=torch.bool)

    def draw_starts(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the rows of the grasps in which environments ``ids`` start, shape (n,)."""
        return self.goals.draw_starts(self.owners[ids], self.directions[ids])

    def choose_starts(self, ids: torch.Tensor, grasps: Start) -> Start:
        """Return the states in which environments ``ids`` start; the given grasps by default."""
        return grasps

    def privileged_observation(self) -> torch.Tensor:
        """Return what only a critic sees: exact joints, randomised values, time in the episode."""
        state = self.state
        return torch.cat(
            (
                4.0 * (self.target - state.joints),
                self.randomiser.privileged(),
                self.age[:, None] / self._episode_steps,
            ),
            dim=-1,
        )

    def _draw_retries(self, ids: torch.Tensor, dropped: torch.Tensor) -> torch.Tensor:
        """Return which of the ended episodes ``ids`` start again as they did, shape (n,)."""
        if self.config.retry_share == 0.0:
            return torch.zeros(len(ids), dtype=torch.bool)
        early = dropped & (self.age[ids] * self.step_seconds <= self.config.retry_seconds)
        return early & (torch.rand(len(ids), generator=self.generator) < self.config.retry_share)

    def _restart(self, ids: torch.Tensor, retried: torch.Tensor) -> None:
        """Start episodes in ``ids``; where ``retried``, from the grasp and gravity of the last."""
        new = ids[~retried]
        picks = torch.randint(len(self._choices), (len(new),), generator=self.generator)
        self._start_directions[new] = self._choices[picks]
        self._start_gravity[new] = tilt(
            self._table[self._start_directions[new]], self.config.gravity_tilt, self.generator
        )
        self.directions[ids] = self._start_directions[ids]
        axis = torch.randn(len(ids), 3, generator=self.generator)
        axis /= torch.linalg.vector_norm(axis, dim=-1, keepdim=True).clamp_min(1e-9)
        speed = self.config.wrist_speed * torch.rand(len(ids), 1, generator=self.generator)
        self._spin[ids] = axis * speed
        self.randomiser.draw(ids)
        self._start_rows[new] = self.draw_starts(new)
        rows = self._start_rows[ids]
        grasps = Start(
            joints=self.goals.joints[rows],
            target=self.goals.targets[rows],
            pose=self.goals.pose[rows],
            gravity=self._start_gravity[ids],
            direction=self._start_directions[ids],
        )
        start = self.choose_starts(ids, grasps)
        self.directions[ids], self.gravity[ids] = start.direction, start.gravity
        self.world.set_gravity(start.gravity, ids)
        joints = torch.clamp(self.randomiser.disturb_start(start.joints), self.lower, self.upper)
        self.world.reset(joints, start.pose, start.target, ids)
        self.target[ids] = start.target
        self.last_action = self.last_action.clone()
        self.last_action[ids] = 0.0
        self.age[ids] = 0
        self.start_episodes(ids, start)

    def _turn_wrist(self) -> None:
        if self.config.wrist_speed == 0.0:
            return
        turn = from_rotation_vector(self._spin * self.step_seconds)
        self.gravity = rotate(turn, self.gravity)
        self.directions = (self.gravity @ self._table.T).argmax(-1)
        self.world.set_gravity(self.gravity)

    def _find_drops(self) -> torch.Tensor:
        position = self.state.pose[:, :3]
        far = torch.linalg.vector_norm(position - self._center, dim=-1) > self.config.drop_distance
        return far | (position[:, 0] < self.config.lowest)

    def _read(self) -> Snapshot:
        world = self.world
        return Snapshot(
            joints=world.joint_position(),
            velocity=world.joint_velocity(),
            pose=world.object_pose(),
            twist=world.object_velocity(),
            tips=world.tip_position(),
        )
