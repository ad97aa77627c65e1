"""A training run from beginning to end: resumable, watched through its folder."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from dexgen_app import __version__
from dexgen_app.errors import InputError, SimulationError
from dexgen_app.learn.checkpoint import load_checkpoint, save_checkpoint
from dexgen_app.learn.config import from_plain, to_plain
from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.evaluate import EvaluationOptions, evaluate_policy
from dexgen_app.learn.lock import FolderLock
from dexgen_app.learn.policy import is_policy, load_policy, policy_from_actor, save_policy
from dexgen_app.learn.ppo import PpoConfig, PpoLearner
from dexgen_app.learn.progress import Progress
from dexgen_app.learn.run_folder import RunFolder
from dexgen_app.learn.statistics import summarise
from dexgen_app.learn.vector import Factory, make_batch
from dexgen_app.plugins import PluginRegistry, load_object
from dexgen_app.sim.cache import use_backend
from dexgen_app.sim.world import Engine
from dexgen_app.spec import HandSpec


@dataclass(frozen=True, kw_only=True)
class JobConfig:
    """What a training run was asked for; saved as ``config.json``.

    Attributes:
        skill: Identifier of the skill.
        hand: Identifier of the hand.
        engine: The simulator.
        steps: Environment steps in all.
        environments: Number of environments in all.
        processes: Number of worker processes; 1 steps them in the job's own process.
        seed: Seed of everything random.
        device: ``cpu``, or ``cuda`` for the networks and, with Genesis, the simulation on a
            graphics card.
        checkpoint_steps: Environment steps between checkpoints.
        evaluate_seconds: Simulated time of each environment in an evaluation of a checkpoint [s];
            0 evaluates none.
        start_from: Checkpoint whose networks, or policy whose actor, the run starts with; empty
            starts from nothing.
        ppo: Settings of PPO.
        environment: The skill's settings as plain values.
        command: The command line that asked for it.
    """

    skill: str
    hand: str
    engine: Engine = "mujoco"
    steps: int = 2_000_000
    environments: int = 256
    processes: int = 2
    seed: int = 0
    device: str = "cpu"
    checkpoint_steps: int = 100_000
    evaluate_seconds: float = 0.0
    start_from: str = ""
    ppo: PpoConfig = field(default_factory=PpoConfig)
    environment: dict[str, Any] = field(default_factory=dict)
    command: str = ""


def run_job(
    folder: RunFolder,
    config: JobConfig,
    registry: PluginRegistry,
    *,
    resume: bool = False,
    report: Callable[[str], None] = print,
) -> None:
    """Train until the steps are done, a stop is requested or Ctrl-C is pressed.

    Args:
        folder: The run's folder; it exists with its configuration.
        config: What is asked for.
        registry: Finds the skill and the hand.
        resume: Go on from the newest readable checkpoint.
        report: Told a progress line now and then.

    Raises:
        DexgenError: Bad configuration, damaged checkpoints, a simulation that diverges, or
            another process that trains this run.
    """
    with FolderLock(folder.path):
        _run_locked(folder, config, registry, resume=resume, report=report)


def _run_locked(
    folder: RunFolder,
    config: JobConfig,
    registry: PluginRegistry,
    *,
    resume: bool,
    report: Callable[[str], None],
) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    if config.device != "cpu":
        use_backend(config.device)
    hand = registry.find_hand(config.hand)
    skill = registry.find_skill(config.skill)
    if skill.hands and hand.id not in skill.hands:
        raise InputError(f"skill {skill.id} does not support hand {hand.id}", where="--hand")
    settings = from_plain(load_object(skill.config), config.environment)
    state, done = _newest_state(folder, report) if resume else (None, 0)
    # A resumed run draws other episodes than the ones before it.
    context = EnvironmentContext(
        hand=hand,
        engine=config.engine,
        environments=config.environments,
        seed=config.seed + 17 * done,
        folder=folder.path,
        stagger=True,
    )
    batch = make_batch(load_object(skill.environment), context, settings, config.processes)
    try:
        learner = PpoLearner(
            batch, config.ppo, config.device, threads=min(config.processes, os.cpu_count() or 1)
        )
        if state is not None:
            learner.load_state(state["learner"])
        elif config.start_from:
            _start_from(learner, Path(config.start_from), config.skill)
        factory = load_object(skill.environment)
        job = _Job(folder, config, settings, learner, hand, factory, done, report)
        job.run(lambda: summarise(batch.drain_counts()))
    finally:
        batch.close()


def _start_from(learner: PpoLearner, path: Path, skill: str) -> None:
    """Take the networks of a checkpoint, or the actor of a policy."""
    if is_policy(path):
        policy = load_policy(path)
        learner.start_from_policy(policy, same_task=policy.skill == skill)
    else:
        learner.load_state(load_checkpoint(path)["learner"], weights_only=True)


def _newest_state(
    folder: RunFolder, report: Callable[[str], None]
) -> tuple[dict[str, Any] | None, int]:
    """Return the newest readable checkpoint and its steps; nothing where there is none."""
    for path in reversed(folder.checkpoints()):
        try:
            state = load_checkpoint(path)
        except InputError as error:
            report(f"skipping {error}")
            continue
        return state, int(state["steps"])
    return None, 0


class _Job:
    """The loop of a run and what it writes."""

    def __init__(
        self,
        folder: RunFolder,
        config: JobConfig,
        settings: Any,
        learner: PpoLearner,
        hand: HandSpec,
        factory: Factory,
        done: int,
        report: Callable[[str], None],
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._folder, self._config, self._settings = folder, config, settings
        self._learner, self._hand, self._report = learner, hand, report
        self._factory = factory
        self._progress = Progress(config.steps, "steps", done)
        self._writer = SummaryWriter(str(folder.path))
        self._saved = done
        self._told = 0
        self._iteration = 0

    def run(self, drain: Callable[[], dict[str, float]]) -> None:
        state = "running"
        try:
            self._write_progress(state)
            while self._progress.done < self._config.steps:
                if not self._obey():
                    state = "stopped"
                    break
                self._iterate(drain)
            else:
                state = "done"
        except KeyboardInterrupt:
            state = "stopped"
            raise
        except BaseException:
            state = "failed"
            raise
        finally:
            if state != "failed" and self._saved != self._progress.done:
                self._save()
            self._write_progress(state)
            self._writer.close()
            self._report(f"{state}: {self._progress.line()}")

    def _iterate(self, drain: Callable[[], dict[str, float]]) -> None:
        report = self._learner.iterate()
        self._learner.limit_std()
        metrics = drain()
        self._iteration += 1
        done = self._progress.done + report.steps
        self._progress.advance(done)
        row = {
            "steps": done,
            "wall_time": time.time(),
            "steps_per_second": report.steps / (report.collect_seconds + report.learn_seconds),
            "collect_seconds": report.collect_seconds,
            "learn_seconds": report.learn_seconds,
            "divergence": report.divergence,
            "learning_rate": report.learning_rate,
            "action_std": report.action_std,
            **{f"loss_{name}": value for name, value in report.losses.items()},
            **metrics,
        }
        broken = [name for name, value in row.items() if not math.isfinite(value)]
        if broken:
            raise SimulationError(
                f"{', '.join(broken)} is not finite after {done} steps",
                where=str(self._folder.path),
                remedy="Resume from the last checkpoint with a smaller learning rate",
            )
        self._folder.append("metrics.jsonl", row)
        for name, value in row.items():
            if name not in ("steps", "wall_time"):
                self._writer.add_scalar(f"train/{name}", value, done)
        if done - self._saved >= self._config.checkpoint_steps:
            self._save()
        now = time.monotonic_ns()
        if now - self._told > 10_000_000_000 or self._iteration == 1:
            self._told = now
            self._write_progress("running")
            self._report(
                f"{self._progress.line()}; time to drop {metrics['time_to_drop']:.1f} s, "
                f"{metrics['goals_per_minute']:.1f} goals a minute, "
                f"reward {metrics['reward']:.3f}, std {report.action_std:.2f}"
            )

    def _save(self) -> None:
        done = self._progress.done
        save_checkpoint(
            self._folder.checkpoint_path(done),
            {"steps": done, "learner": self._learner.state(), "version": __version__},
        )
        policy = policy_from_actor(
            {k: v.detach().cpu() for k, v in self._learner.actor_state.items()},
            skill=self._config.skill,
            hand=self._hand,
            config=to_plain(self._settings),
            info={
                "steps": done,
                "seed": self._config.seed,
                "engine": self._config.engine,
                "version": __version__,
            },
        )
        save_policy(self._folder.policy_path(done), policy)
        self._folder.prune()
        self._saved = done
        if self._config.evaluate_seconds > 0.0:
            options = EvaluationOptions(
                seconds=self._config.evaluate_seconds, engine=self._config.engine
            )
            for result in evaluate_policy(
                policy, self._hand, self._settings, self._factory, options
            ):
                self._folder.append("evaluations.jsonl", {"steps": done, **result.as_dict()})

    def _obey(self) -> bool:
        """Wait while a pause is requested; return whether to go on."""
        paused = False
        while (word := self._folder.request()) == "pause":
            if not paused:
                paused = True
                self._save()
                self._write_progress("paused")
                self._report("paused; remove the request to go on")
            time.sleep(0.5)
        return word != "stop"

    def _write_progress(self, state: str) -> None:
        self._folder.write_json(
            "progress.json",
            {"state": state, "pid": os.getpid(), "wall_time": time.time()}
            | self._progress.as_dict(),
        )
