"""``dexgen-app learn-risk``: teaches a controller to foresee drops, from its own trials."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dexgen_controller_dexgen.commands.bench_cells import (
    CellTask,
    CellWorker,
    add_scene_arguments,
)

if TYPE_CHECKING:
    from typing import Any

    from dexgen_controller_dexgen.benchmark import Cell
    from dexgen_controller_dexgen.trials import Trials

CORRUPTIONS = ("mul0.5", "mul1.0", "add0.75")
NEAR_S = (1.0, 5.0)
"""Times before a drop at which it is reported how well it is foreseen [s]."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app learn-risk``."""
    from dexgen_controller_dexgen.commanders import CORRUPTIONS as KNOWN

    parser.add_argument("weights", type=Path, metavar="CONTROLLER", help="weights to start from")
    parser.add_argument("--expert", type=Path, required=True, help="weights of who commands")
    parser.add_argument("--out", type=Path, required=True, help="file for the weights")
    parser.add_argument(
        "--work", type=Path, help="folder for trials and checkpoint; a killed run goes on there"
    )
    parser.add_argument("--engine", choices=("genesis", "mujoco"), default="genesis")
    parser.add_argument(
        "--corruption",
        nargs="+",
        choices=tuple(KNOWN),
        default=list(CORRUPTIONS),
        help="how the commands are spoiled (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        nargs="+",
        default=[30, 31, 32, 33, 34],
        help="seeds of the trials; those of the last one only test what was learned",
    )
    parser.add_argument("--guidance", type=float, default=1000.0, help="guidance strength")
    parser.add_argument(
        "--seconds", type=float, default=12000.0, help="simulated time of a corruption and seed"
    )
    parser.add_argument("--environments", type=int, default=100, help="hands side by side")
    parser.add_argument("--processes", type=int, default=2, help="worker processes")
    add_scene_arguments(parser)
    parser.add_argument("--steps", type=int, default=4000, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=512, help="samples in a step")


class TrialWorker(CellWorker):
    """Measures cells and keeps what the hands felt in each."""

    def measure(self, task: CellTask) -> Cell:
        """Measure a cell and write its trials."""
        from dexgen_controller_dexgen.trials import TrialRecorder

        recorder = TrialRecorder(self.hand.joint_names, self.model.info.control_dt)
        self.watch = recorder
        cell = super().measure(task)
        recorder.trials().save(_file(self.args, task))
        return cell


def run(args: argparse.Namespace) -> int:
    """Roll out what is missing, train the risk and write the weights."""
    import torch

    from dexgen_app.learn.lock import FolderLock

    _complete(args)
    torch.set_num_threads(1)
    with FolderLock(args.work):
        return _learn(args)


def _complete(args: argparse.Namespace) -> None:
    """Add to the options what a cell's worker needs, and check them.

    Raises:
        InputError: One is impossible.
    """
    from dexgen_app.errors import InputError
    from dexgen_controller_dexgen.commands import bench
    from dexgen_controller_dexgen.commands.requests import check_bench, check_counts
    from dexgen_controller_dexgen.parameters import MODES

    check_counts(args, "steps", "batch")
    if len(args.seed) < 2:
        raise InputError(
            "one seed leaves nothing to test with", where="--seed", remedy="Give two or more"
        )
    args.work = args.work or args.out.parent / f"{args.out.stem}-risk"
    strength, args.guidance = args.guidance, [args.guidance]
    # The rest is as the benchmark has it, its sampler's steps among it.
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    usual = parser.parse_args(["controller", "--expert", str(args.expert), "--caution", "off"])
    args.optimiser_steps = args.steps
    del args.steps
    for name, value in vars(usual).items():
        if not hasattr(args, name):
            setattr(args, name, value)
    check_bench(args, MODES)
    args.tasks = [CellTask(s, name, strength) for s in args.seed for name in args.corruption]


def _file(args: argparse.Namespace, task: CellTask) -> Path:
    name = f"{task.commander}-{task.strength:g}-{task.seed}.safetensors"
    return Path(args.work) / name


def _name(args: argparse.Namespace, *rest: int) -> str:
    """Return a name for what is trained on and how, so that nothing else is gone on with."""
    return "-".join(
        map(str, ("training", *args.corruption, *args.guidance, *args.seed[:-1], *rest))
    )


def _learn(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from dexgen_controller_dexgen.benchmark_folder import BenchmarkFolder
    from dexgen_controller_dexgen.commands.bench import conditions
    from dexgen_controller_dexgen.commands.bench_cells import key_of, measure_cells
    from dexgen_controller_dexgen.foresight import foresee, learn_risk, rank, risk_of
    from dexgen_controller_dexgen.model import read_notes
    from dexgen_controller_dexgen.optimisation import TrainingConfig

    worker, command = TrialWorker(args), shlex.join(("dexgen-app", *sys.argv[1:]))
    folder = BenchmarkFolder(args.work, conditions(args, worker))
    known = {key_of(cell) for cell in folder.cells}
    missing = [t for t in args.tasks if t.key not in known or not _file(args, t).exists()]
    for task, cell in zip(missing, measure_cells(worker, missing, args.processes)):
        if task.key not in known:
            folder.add(cell, command)
        told = f"{cell.drops} drops in {cell.seconds / 60:.0f} simulated minutes"
        print(f"{task.commander}, seed {task.seed}: {told}", flush=True)
    model = worker.model
    config = TrainingConfig(
        size=model.info.size,
        steps=args.optimiser_steps,
        batch=args.batch,
        learning_rate=1e-3,
        weight_decay=1e-2,
        seed=args.seed[0],
    )
    taught = _load(args, args.seed[:-1], worker)
    usual = float(risk_of(taught.left).mean())
    model.info = replace(model.info, foreseen_modes=(model.info.modes[0],), usual_risk=usual)
    run = args.work / _name(args, args.optimiser_steps, args.batch)
    loss = learn_risk(model, taught, run, config, lambda line: print(line, flush=True))
    notes = read_notes(worker.weights)
    notes["made_by"] = f"{notes.get('made_by', '')}\n{command}".strip()
    notes["risk_loss"] = f"{loss:.4f}"
    for name in args.corruption:
        tested = _load(args, args.seed[-1:], worker, name)
        risk = foresee(model, tested)
        ranks = [f"{rank(risk, tested.left < near):.3f} ({near:g} s before)" for near in NEAR_S]
        notes[f"risk_rank_{name}"] = ", ".join(ranks)
        print(f"{name}, seed {args.seed[-1]}: a drop is told from none with {', '.join(ranks)}")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    model.save(args.out, notes)
    print(f"loss {loss:.4f}, mean risk {usual:.3f} on {len(taught):,} steps; wrote {args.out}")
    return 0


def _load(args: argparse.Namespace, seeds: list[int], worker: Any, corruption: str = "") -> Trials:
    """Read the trials of some seeds, of one corruption or all.

    Raises:
        InputError: A file is damaged, or of a hand with other joints.
    """
    from dexgen_app.errors import InputError
    from dexgen_controller_dexgen.trials import Trials

    chosen = [t for t in args.tasks if t.seed in seeds and corruption in ("", t.commander)]
    found = []
    for task in chosen:
        found.append(Trials.load(_file(args, task)))
        if found[-1].joint_names != worker.hand.joint_names:
            raise InputError(
                "these are trials of another hand",
                where=str(_file(args, task)),
                remedy="Name another folder with --work",
            )
    return Trials.join(found)
