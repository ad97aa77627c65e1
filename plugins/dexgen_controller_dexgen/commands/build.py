"""``dexgen-app build-controller``: from nothing to a benchmarked controller, stage by stage.

Every stage is a command that anyone can run by itself. A stage that is done leaves a mark in the
run's folder, so that a build that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OBJECTS = ("cube:60",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app build-controller``."""
    parser.add_argument("--hand", default="allegro", help="hand")
    parser.add_argument("--mirror", default="", metavar="HAND", help="its mirror image, served too")
    parser.add_argument("--run", default="controller", help="name of the run")
    parser.add_argument("--budget", default="3h", help="time for all stages, as 90m or 3h")
    parser.add_argument("--object", action="append", default=[], help="as `grasps make` takes it")
    parser.add_argument("--size", choices=("small", "paper"), default="small", help="network size")
    parser.add_argument("--processes", type=int, default=2, help="worker processes")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random")
    parser.add_argument("--expert", type=Path, help="weights of an expert, instead of training one")
    parser.add_argument(
        "--rounds", type=int, default=1, help="datasets of detours beyond the first"
    )


@dataclass(frozen=True)
class Stage:
    """A stage: its name, its share of the budget and what it does with that share [s]."""

    name: str
    share: float
    work: Callable[[float], None]


def parse_budget(text: str) -> float:
    """Return a time such as ``90m`` or ``3h`` in seconds.

    Raises:
        InputError: The text is no time.
    """
    from dexgen_app.errors import InputError

    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    try:
        seconds = float(text[:-1]) * units[text[-1]]
    except (ValueError, KeyError, IndexError) as error:
        raise InputError(
            f"{text!r} is no time", where="--budget", remedy="Write 90m or 3h"
        ) from error
    if seconds <= 0:
        raise InputError("the budget must be positive", where="--budget")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Run the stages that are not done yet."""
    from dexgen_app import paths

    folder = paths.runs_dir() / args.run
    folder.mkdir(parents=True, exist_ok=True)
    build = Build(args, folder)
    budget = parse_budget(args.budget)
    for stage in build.stages():
        mark = folder / f"{stage.name}.done"
        if mark.exists():
            print(f"[{stage.name}] done before", flush=True)
            continue
        begun = time.monotonic()
        print(f"[{stage.name}] about {stage.share * budget / 60:.0f} min", flush=True)
        stage.work(stage.share * budget)
        minutes = (time.monotonic() - begun) / 60
        mark.write_text(f"{minutes:.1f} min\n")
        print(f"[{stage.name}] {minutes:.1f} min", flush=True)
    print(f"controller: {build.model}\nbenchmark: {folder / 'bench' / 'table.md'}")
    return 0


class Build:
    """The stages of one build.

    Args:
        args: The command's options.
        folder: The run's folder.
    """

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self._args = args
        self._folder = folder
        self.expert = args.expert or folder / "expert.safetensors"
        self.model = folder / "controller.safetensors"

    def stages(self) -> list[Stage]:
        """Return the stages in order."""
        found = [Stage("grasps", 0.05, self._make_grasps)]
        if not self._args.expert:
            found.append(Stage("expert", 0.45, self._train_expert))
        found += [Stage("dataset", 0.12, self._collect), Stage("train", 0.15, self._train)]
        for index in range(1, self._args.rounds + 1):
            found.append(Stage(f"detours-{index}", 0.08, self._collect_detours))
            found.append(Stage(f"train-{index}", 0.1, self._train))
        found.append(Stage("bench", 0.05, self._measure))
        return found

    def _command(self, *words: str) -> None:
        print("$ " + shlex.join(("dexgen-app", *words)), flush=True)
        subprocess.run([sys.executable, "-m", "dexgen_app", *words], check=True)

    def _make_grasps(self, seconds: float) -> None:
        for item in self._args.object or OBJECTS:
            hand, seed = self._args.hand, str(self._args.seed)
            self._command("grasps", "make", "--hand", hand, "--object", item, "--seed", seed)

    def _train_expert(self, seconds: float) -> None:
        from dexgen_app.learn.run_folder import RunFolder

        name = f"{self._args.run}-expert"
        run = RunFolder.named(name)
        # About a thousand environment steps a second and process, learning included.
        steps = int(1000 * seconds * self._args.processes)
        words = ["train", "anygrasp", "--hand", self._args.hand, "--run", name]
        words += ["--steps", str(steps), "--processes", str(self._args.processes)]
        words += ["--seed", str(self._args.seed)]
        self._command(*words, *(["--resume"] if run.checkpoints() else []))
        self.expert.write_bytes(run.policies()[-1].read_bytes())

    def _collect(self, seconds: float) -> None:
        self._make_rows(self._folder / "data", seconds)

    def _collect_detours(self, seconds: float) -> None:
        self._make_rows(self._folder / "data", seconds, "--detour", str(self.model))

    def _make_rows(self, data: Path, seconds: float, *more: str) -> None:
        from dexgen_app.errors import InputError
        from dexgen_app.learn.transitions import TransitionStore

        try:
            before = len(TransitionStore(data))
        except InputError:
            before = 0
        rows = before + int(1200 * seconds * self._args.processes)
        words = ["dataset", "make", str(data), "--policy", str(self.expert), "--rows", str(rows)]
        words += ["--processes", str(self._args.processes), "--seed", str(self._args.seed)]
        self._command(*words, *more)

    def _train(self, seconds: float) -> None:
        import torch

        from dexgen_app.learn.transitions import TransitionStore
        from dexgen_app.plugins import PluginRegistry
        from dexgen_controller_dexgen.training import Trainer, TrainingConfig

        torch.set_num_threads(self._args.processes)
        # About 4,500 samples a second and core for the small prior; the inverse is quicker.
        steps = max(500, int(seconds * 4500 * self._args.processes / 1024 * 0.6))
        store = TransitionStore(self._folder / "data")
        work = self._folder / f"train-{len(store)}"
        hands = PluginRegistry.load()
        hand = hands.find_hand(self._args.hand)
        other = hands.find_hand(self._args.mirror) if self._args.mirror else None
        config = TrainingConfig(size=self._args.size, steps=steps, seed=self._args.seed)
        trainer = Trainer(store, hand, work, config, other)
        trainer.train_prior()
        trainer.train_inverse()
        trainer.model.save(self.model, {"made_by": shlex.join(("dexgen-app", *sys.argv[1:]))})

    def _measure(self, seconds: float) -> None:
        words = ["bench", "controller", "--expert", str(self.expert), "--weights", str(self.model)]
        self._command(*words, "--out", str(self._folder / "bench"), "--seed", str(self._args.seed))
