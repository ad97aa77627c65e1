"""``dexgen-app build-controller``: from nothing to a benchmarked controller, stage by stage.

Every stage is a command that anyone can run by itself. What is done and how long it took is
written down as it happens, so that a build that was killed goes on where it was, also within a
stage, and the time that is left is shared out anew before each stage.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dexgen_controller_dexgen.building.ledger import Ledger
    from dexgen_controller_dexgen.building.stages import Stages

OBJECTS = ("cube:60",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app build-controller``."""
    parser.add_argument("--hand", default="allegro", help="hand")
    parser.add_argument("--mirror", default="", metavar="HAND", help="its mirror image, served too")
    parser.add_argument("--run", default="controller", help="name of the run")
    parser.add_argument("--budget", default="3h", help="time for all stages, as 90m or 3h")
    parser.add_argument("--object", action="append", default=[], help="as `grasps make` takes it")
    parser.add_argument(
        "--gravity", action="append", default=[], help="direction; repeatable, all by default"
    )
    parser.add_argument("--engine", choices=("genesis", "mujoco"), default="mujoco")
    parser.add_argument(
        "--bench-engine",
        choices=("genesis", "mujoco"),
        default="genesis",
        help="engine of the benchmark; the other one than --engine shows what carries over",
    )
    parser.add_argument("--size", choices=("small", "paper"), default="small", help="network size")
    parser.add_argument("--processes", type=int, default=2, help="worker processes")
    parser.add_argument("--environments", type=int, default=256, help="of the expert's training")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random")
    parser.add_argument("--expert", type=Path, help="weights of an expert, instead of training one")
    parser.add_argument(
        "--rounds", type=int, default=1, help="datasets of detours beyond the first"
    )
    parser.add_argument(
        "--least-hold",
        type=float,
        default=60.0,
        help="time to drop [s] that the expert must reach before data is collected",
    )
    parser.add_argument(
        "--least-goals", type=float, default=5.0, help="goals a minute that it must reach"
    )


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
    if not 0.0 < seconds < math.inf:
        raise InputError("the budget must be positive", where="--budget")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Run the stages that are not done yet."""
    from dexgen_app import paths
    from dexgen_app.learn.lock import FolderLock
    from dexgen_controller_dexgen.building.ledger import Ledger
    from dexgen_controller_dexgen.building.stages import Stages

    args.object = args.object or list(OBJECTS)
    budget = parse_budget(args.budget)
    request = _check(args)
    folder = paths.runs_dir() / args.run
    with FolderLock(folder):
        ledger = Ledger(folder / "build.json", request)
        work = Stages(args, folder, ledger)
        stages = work.all()
        for index, stage in enumerate(stages):
            if ledger.is_done(stage.name):
                print(f"[{stage.name}] done before", flush=True)
                continue
            shares = {later.name: later.share for later in stages[index:]}
            seconds = ledger.allot(stage.name, shares, budget)
            spent = sum(ledger.spent.values())
            print(
                f"[{stage.name}] {seconds / 60:.1f} min; {spent / 60:.1f} of {budget / 60:.1f} min "
                "are spent",
                flush=True,
            )
            ledger.begin(stage.name)
            try:
                stage.work(seconds)
            finally:
                ledger.tick()
            ledger.finish()
        return _conclude(folder, work, ledger, request)


def _check(args: argparse.Namespace) -> dict[str, object]:
    """Return what must be the same when a build goes on.

    Raises:
        DexgenError: An option is impossible.
    """
    from dexgen_app.errors import InputError
    from dexgen_app.learn.object_names import check_gravity, parse_object
    from dexgen_app.learn.policy import load_policy
    from dexgen_app.plugins import PluginRegistry
    from dexgen_controller_dexgen.commands.requests import check_counts

    registry = PluginRegistry.load(args.safe_mode, args.disable)
    hand = registry.find_hand(args.hand)
    if args.mirror:
        registry.find_hand(args.mirror)
    for item in args.object:
        parse_object(item)
    for name in args.gravity:
        check_gravity(name)
    check_counts(args, "processes", "environments")
    if args.environments % args.processes:
        raise InputError(
            f"{args.environments} environments cannot be shared by {args.processes} processes",
            where="--environments",
        )
    if args.expert:
        load_policy(args.expert, hand=hand)
    names = ("mirror", "object", "gravity", "engine", "size", "seed", "rounds")
    expert = str(args.expert.resolve()) if args.expert else ""
    return {"hand": hand.id, "expert": expert, **{name: getattr(args, name) for name in names}}


def _conclude(folder: Path, work: Stages, ledger: Ledger, request: dict[str, object]) -> int:
    """Write the model card; a controller that the benchmark does not bear out is a failure."""
    from dexgen_app.learn.run_folder import RunFolder
    from dexgen_controller_dexgen.building.card import write_card
    from dexgen_controller_dexgen.building.gates import GateError, find_faults

    cells = work.cells()
    faults = find_faults(cells)
    page = write_card(
        folder,
        work.model,
        request=request,
        command=shlex.join(("dexgen-app", *sys.argv[1:])),
        spent=ledger.spent,
        facts=ledger.facts,
        cells=cells,
        faults=faults,
        runs=[RunFolder.named(f"{folder.name}-{p.name}").path for p in work.phases()],
    )
    print(f"controller: {work.model}\nmodel card: {page}")
    if faults:
        raise GateError(
            f"the benchmark does not bear the controller out: {'; '.join(faults)}",
            where=str(work.model),
            remedy="Start another --run with a longer --budget or a better --expert",
        )
    return 0
