"""``dexgen-app bench controller``: the corrupted-expert benchmark."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dexgen_controller_dexgen.commands.bench_cells import PAPER, add_scene_arguments
from dexgen_controller_dexgen.parameters import BOOST, SMOOTHING_S, TEMPERATURE

if TYPE_CHECKING:
    from dexgen_controller_dexgen.benchmark import Cell
    from dexgen_controller_dexgen.commands.bench_cells import CellWorker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app bench``."""
    parser.add_argument("what", choices=("controller",), help="what is measured")
    parser.add_argument("--expert", type=Path, required=True, help="weights of the expert")
    parser.add_argument(
        "--weights", type=Path, default=None, help="the controller; else the shipped"
    )
    parser.add_argument("--engine", choices=("genesis", "mujoco"), default="genesis")
    parser.add_argument("--seconds", type=float, default=1200.0, help="simulated time of a cell")
    parser.add_argument("--environments", type=int, default=10, help="hands side by side")
    parser.add_argument(
        "--processes", type=int, default=2, help="worker processes; cells are shared out among them"
    )
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="seeds; counted together")
    parser.add_argument(
        "--corruption",
        action="append",
        default=[],
        choices=("none", *PAPER, "random"),
        help="which commands; repeatable, the paper's four by default",
    )
    parser.add_argument(
        "--commands", type=Path, metavar="CLIP.npy", help="a recorded hand commands instead"
    )
    parser.add_argument(
        "--guidance",
        type=float,
        nargs="+",
        default=[0.0, 100.0, 300.0, 1000.0, 3000.0],
        help="guidance strengths",
    )
    parser.add_argument("--steps", type=int, default=8, help="sampler steps")
    parser.add_argument("--smoothing", type=float, default=SMOOTHING_S, help="of the command [s]")
    parser.add_argument("--temperature", type=float, default=TEMPERATURE, help="of the sampler")
    parser.add_argument("--boost", type=float, default=BOOST, help="of small commands, at most")
    parser.add_argument(
        "--caution",
        choices=("on", "off"),
        default="on",
        help="whether it stands still where it foresees a drop (default: %(default)s)",
    )
    parser.add_argument("--mode", default="default", help="mode label")
    add_scene_arguments(parser)
    parser.add_argument("--no-raw", action="store_true", help="leave out the raw commands")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder for table, JSON and plot; what it holds is not measured again",
    )


def run(args: argparse.Namespace) -> int:
    """Measure every cell, print the table, write files."""
    from dexgen_app.learn.lock import FolderLock
    from dexgen_controller_dexgen.benchmark import format_table
    from dexgen_controller_dexgen.benchmark_folder import BenchmarkFolder, format_results
    from dexgen_controller_dexgen.commands.bench_cells import (
        CellWorker,
        key_of,
        list_tasks,
        measure_cells,
    )
    from dexgen_controller_dexgen.commands.requests import check_bench

    worker = CellWorker(args)
    check_bench(args, worker.model.info.modes)
    begun, command = time.monotonic(), shlex.join(("dexgen-app", *sys.argv[1:]))
    with FolderLock(args.out) if args.out else nullcontext():
        folder = BenchmarkFolder(args.out, conditions(args, worker)) if args.out else None
        cells = {key_of(cell): cell for cell in folder.cells} if folder else {}
        tasks = list_tasks(args)
        missing = [task for task in tasks if task.key not in cells]
        if len(missing) < len(tasks):
            kept = len(tasks) - len(missing)
            print(f"{kept} of {len(tasks)} cells were measured before: {args.out}", flush=True)
        found = measure_cells(worker, missing, args.processes)
        for task, cell in zip(missing, found, strict=True):
            cells[task.key] = cell
            if folder:
                folder.add(cell, command)
            same = [other for other in cells.values() if other.seeds == cell.seeds]
            print(_row(format_table(same), same.index(cell)), flush=True)
        asked: list[Cell] = [cells[task.key] for task in tasks]
        seeds = ", ".join(map(str, args.seed))
        taken = f"{time.monotonic() - begun:.0f} s, engine {args.engine}, seeds {seeds}"
        print(f"\n{format_results(asked)}\n\n{taken}")
        if folder:
            folder.finish(asked, command)
            print(f"wrote {args.out}")
    return 0


def _row(table: str, index: int) -> str:
    return table.splitlines()[2 + index]


def conditions(args: argparse.Namespace, worker: CellWorker) -> dict[str, Any]:
    """Return what must be the same for cells to be compared."""
    from dexgen_app import __version__
    from dexgen_app.errors import InputError
    from dexgen_app.files import hash_file
    from dexgen_app.learn.config import to_plain
    from dexgen_app.learn.grasp_set import grasp_path, object_key

    names = ("engine", "seconds", "environments", "steps", "smoothing", "temperature", "boost")
    grasps = {object_key(o): grasp_path(worker.hand, o) for o in worker.settings.objects}
    try:
        return {
            "version": __version__,
            **{name: getattr(args, name) for name in (*names, "mode", "caution")},
            "expert": hash_file(args.expert),
            "weights": hash_file(worker.weights),
            "commands": hash_file(args.commands) if args.commands else "",
            "settings": to_plain(worker.settings),
            # Those that are missing are told when they are needed, with what makes them.
            "grasps": {name: hash_file(path) for name, path in grasps.items() if path.exists()},
        }
    except OSError as error:
        told = f"cannot be read ({error.strerror})"
        raise InputError(told, where=str(error.filename)) from error
