"""Measures the benchmark's cells, one after the other or side by side in processes."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dexgen_app.errors import DexgenError, InputError
from dexgen_app.learn.object_names import HELP as OBJECT_HELP

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    import torch

    from dexgen_app.learn.environment import HandEnvironment
    from dexgen_controller_dexgen.benchmark import Cell, Watch
    from dexgen_controller_dexgen.commanders import Commander

PAPER = ("add0.75", "add1.5", "mul0.5", "mul1.0")
"""The corruptions of the paper's figure."""
_LOOK_EVERY_S = 0.5


def add_scene_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that change what is held and how from the expert's own settings."""
    parser.add_argument("--gravity", action="append", default=[], help="direction; repeatable")
    parser.add_argument(
        "--object", action="append", default=[], help=f"instead of the expert's; {OBJECT_HELP}"
    )
    parser.add_argument(
        "--set", action="append", default=[], dest="settings", metavar="FIELD=VALUE"
    )


@dataclass(frozen=True)
class CellTask:
    """A cell that is to be measured.

    Attributes:
        seed: Seed of everything random.
        commander: Who commands: a corruption's name, or the name of a clip.
        strength: Guidance strength; None sends the raw command to the hand.
    """

    seed: int
    commander: str
    strength: float | None

    @property
    def key(self) -> tuple[int, str, str, float]:
        """What tells the cell apart from others under the same conditions."""
        controller = "raw" if self.strength is None else "dexgen"
        return self.seed, self.commander, controller, self.strength or 0.0


def key_of(cell: Cell) -> tuple[int, str, str, float]:
    """Return the key of the task that a cell of one seed was measured for."""
    return cell.seeds[0], cell.commander, cell.controller, cell.strength


def list_tasks(args: argparse.Namespace) -> list[CellTask]:
    """Return all cells that the options ask for, in the order of the table."""
    names = [args.commands.stem] if args.commands else args.corruption or PAPER
    strengths = ([] if args.no_raw else [None]) + list(args.guidance)
    tasks = [CellTask(s, name, g) for s in args.seed for name in names for g in strengths]
    return list(dict.fromkeys(tasks))


class CellWorker:
    """Measures cells on one environment, which is made anew for each seed.

    Args:
        args: The command's options.

    Attributes:
        watch: Is shown every step of a cell.
    """

    watch: Watch | None = None

    def __init__(self, args: argparse.Namespace) -> None:
        import torch

        from dexgen_app.learn.policy import load_policy
        from dexgen_app.plugins import PluginRegistry
        from dexgen_controller_dexgen.mirror import load_for_hand
        from dexgen_controller_dexgen.shipped import weights_for

        torch.set_num_threads(1)
        self.args = args
        self.registry = PluginRegistry.load(args.safe_mode, args.disable)
        self.expert = load_policy(args.expert)
        self.hand = self.registry.find_hand(self.expert.hand)
        self.weights = args.weights or weights_for(self.hand)
        self.model = load_for_hand(self.weights, self.hand)
        self._environment: HandEnvironment | None = None
        self._seed = -1
        self._begun: torch.Tensor | None = None

    @cached_property
    def settings(self) -> Any:
        """The skill's settings in all cells."""
        from dexgen_app.learn.config import from_plain, override
        from dexgen_app.learn.object_names import parse_object
        from dexgen_app.plugins import load_object

        args, skill = self.args, self.registry.find_skill(self.expert.skill)
        plain = from_plain(load_object(skill.config), self.expert.config)
        # A trial ends with a drop or after the cell's share of time, two minutes at the least.
        trial = max(120.0, args.seconds / args.environments)
        settings = override(plain, args.settings).for_trials(episode_seconds=trial)
        if args.gravity:
            settings = replace(settings, gravity=tuple(args.gravity))
        if args.object:
            settings = replace(settings, objects=tuple(parse_object(text) for text in args.object))
        return settings

    def measure(self, task: CellTask) -> Cell:
        """Measure a cell; all cells of a seed begin with the same grasps, goals and gravity."""
        from dexgen_controller_dexgen.benchmark import run_cell

        environment = self._environment_of(task.seed)
        environment.generator.set_state(self._begun)
        return run_cell(
            environment,
            self._commander(task, environment),
            name=task.commander,
            seconds=self.args.seconds,
            policy=None if task.strength is None else self._policy(environment.count, task.seed),
            strength=task.strength or 0.0,
            seed=task.seed,
            watch=self.watch,
        )

    def close(self) -> None:
        """Free the simulator."""
        if self._environment is not None:
            self._environment.close()
            self._environment = None

    def _environment_of(self, seed: int) -> HandEnvironment:
        if self._environment is None or self._seed != seed:
            self.close()
            self._environment = self._make_environment(seed)
            self._begun = self._environment.generator.get_state()
            self._seed = seed
        return self._environment

    def _make_environment(self, seed: int) -> HandEnvironment:
        from dexgen_app.learn.environment import EnvironmentContext
        from dexgen_app.plugins import load_object

        args, skill = self.args, self.registry.find_skill(self.expert.skill)
        context = EnvironmentContext(
            hand=self.hand, engine=args.engine, environments=args.environments, seed=5000 + seed
        )
        made: HandEnvironment = load_object(skill.environment)(context, self.settings)
        return made

    def _policy(self, count: int, seed: int) -> Any:
        from dexgen_controller_dexgen.policy import GuidedPolicy

        args = self.args
        policy = GuidedPolicy(
            self.model,
            count,
            steps=args.steps,
            seed=seed,
            smoothing=args.smoothing,
            temperature=args.temperature,
            boost=args.boost,
        )
        policy.set_mode(args.mode)
        policy.cautious = args.caution == "on"
        return policy

    def _commander(self, task: CellTask, environment: HandEnvironment) -> Commander:
        from dexgen_controller_dexgen.commanders import (
            CORRUPTIONS,
            ClipCommander,
            RandomCommander,
            SpoiledExpert,
        )

        if self.args.commands:
            poses = _retarget(self.args.commands, environment)
            return ClipCommander(poses, environment.count, task.seed)
        if task.commander == "random":
            return RandomCommander(task.seed)
        return SpoiledExpert(self.expert, CORRUPTIONS[task.commander], task.seed)


def measure_cells(worker: CellWorker, tasks: Sequence[CellTask], processes: int) -> Iterator[Cell]:
    """Measure cells; yields them in order.

    Args:
        worker: Measures them if one process is enough; the others make their own like it.
        tasks: The cells.
        processes: Processes that measure side by side.

    Raises:
        DexgenError: A cell cannot be measured, or a process was killed.
    """
    processes = min(processes, len(tasks))
    if processes < 2:
        try:
            yield from map(worker.measure, tasks)
        finally:
            worker.close()
        return
    spawn = multiprocessing.get_context("spawn")
    ended = spawn.Event()
    pool = ProcessPoolExecutor(
        processes, mp_context=spawn, initializer=_begin, initargs=(type(worker), worker.args, ended)
    )
    try:
        yield from pool.map(_measure, tasks)
    except BrokenProcessPool as error:
        raise DexgenError(
            "a process that measured was killed",
            where="dexgen-app bench",
            remedy="Use fewer --processes if memory is short; with the same --out it goes on",
        ) from error
    except BaseException:
        ended.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_worker: CellWorker | None = None  # of a process that measures


def _begin(kind: type[CellWorker], args: argparse.Namespace, ended: Event) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked for the cells decides
    threading.Thread(target=_leave, args=(ended,), daemon=True).start()
    global _worker
    _worker = kind(args)


def _leave(ended: Event) -> None:
    """End this process in the middle of a cell when nobody waits for it any more."""
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive() and not ended.wait(_LOOK_EVERY_S):
        pass
    os._exit(1)


def _measure(task: CellTask) -> Cell:
    assert _worker is not None
    return _worker.measure(task)


def _retarget(path: Path, environment: HandEnvironment) -> torch.Tensor:
    """Return the clip as joint targets at the control rate, shape (T, J)."""
    import numpy as np
    import torch

    from dexgen_app.kinematics.calibration import calibrate
    from dexgen_app.kinematics.retarget import Retargeter
    from dexgen_app.spec import InputKind, TeleopSample

    try:
        frames = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError("this is no numpy array", where=str(path)) from error
    if frames.ndim != 3 or frames.shape[1:] != (21, 3) or not np.isfinite(frames).all():
        raise InputError(
            f"a clip has finite landmarks of shape (T, 21, 3), not {frames.shape}",
            where=str(path),
        )
    hand = environment.hand
    rate = 30.0
    retargeter = Retargeter(hand, calibrate(frames[:30], hand), 1.0 / rate)
    retargeter.reset(np.array(hand.home))
    poses = []
    for index, frame in enumerate(frames):
        sample = TeleopSample(
            born_ns=index, sequence=index, kind=InputKind.LANDMARKS_21, values=frame
        )
        poses.append(retargeter.retarget(sample).position)
    stride = max(1, round(rate * environment.step_seconds))
    return torch.tensor(np.array(poses)[::stride], dtype=torch.float32)
