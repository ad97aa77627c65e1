"""``dexgen-app dataset``: makes, describes and checks datasets of transitions."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dexgen_app.learn.object_names import HELP as OBJECT_HELP

if TYPE_CHECKING:
    from dexgen_app.learn.transitions import TransitionStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app dataset``."""
    actions = parser.add_subparsers(dest="action", required=True)
    make = actions.add_parser("make", help="roll out experts and write what happens")
    make.add_argument("folder", type=Path, help="dataset; one that exists is continued")
    make.add_argument(
        "--policy",
        action="append",
        required=True,
        metavar="FILE[:MODE]",
        help="weights of an expert, with the mode label of its rows; may be repeated",
    )
    make.add_argument("--rows", type=float, default=3e6, help="rows in all")
    make.add_argument("--environments", type=int, default=128, help="environments a process")
    make.add_argument("--processes", type=int, default=2, help="worker processes")
    make.add_argument("--engine", choices=("genesis", "mujoco"), default="genesis")
    make.add_argument("--seed", type=int, default=0, help="seed of everything random")
    make.add_argument("--gravity", action="append", default=[], help="direction; repeatable")
    make.add_argument(
        "--object", action="append", default=[], help=f"instead of the expert's; {OBJECT_HELP}"
    )
    make.add_argument("--set", action="append", default=[], dest="settings", metavar="FIELD=VALUE")
    make.add_argument("--burst-rate", type=float, default=0.04, help="bursts of noise a step")
    make.add_argument("--detour", metavar="MODEL", default="", help="controller for detours")
    make.add_argument("--detour-rate", type=float, default=0.03, help="detours a step")
    make.add_argument("--detour-steps", type=int, default=40, help="longest detour [steps]")
    for name, text in (
        ("info", "say what a dataset holds and how it was made"),
        ("show", "print its figures: motion, disturbances, gravity"),
        ("check", "read every row and compare every hash"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("folder", type=Path, help="dataset")
    actions.choices["info"].add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Make, describe or check a dataset."""
    if args.action == "make":
        return _make(args)
    from dexgen_app.learn.transitions import TransitionStore

    store = TransitionStore(args.folder, verify=args.action == "check")
    return {"info": _info, "show": _show, "check": _check}[args.action](args, store)


def _make(args: argparse.Namespace) -> int:
    from dexgen_app.errors import DexgenError

    _check_request(args)
    context = multiprocessing.get_context("spawn")
    args.command = shlex.join(("dexgen-app", *sys.argv[1:]))
    workers = [context.Process(target=_work, args=(args, index)) for index in range(args.processes)]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join()
    except KeyboardInterrupt:
        for worker in workers:
            if worker.pid and worker.is_alive():
                os.kill(worker.pid, signal.SIGINT)
        raise
    codes = [worker.exitcode or 0 for worker in workers]
    if min(codes) < 0:
        raise DexgenError(
            f"a process was killed by signal {-min(codes)}",
            where=str(args.folder),
            remedy="Give the same command again: the closed shards are kept and continued",
        )
    return max(codes)


def _check_request(args: argparse.Namespace) -> None:
    """Say before any process starts what would stop all of them.

    Raises:
        InputError: A count is not positive, a mode is unknown, or weights cannot be used.
    """
    from dexgen_app.errors import InputError
    from dexgen_app.learn.policy import load_policy
    from dexgen_controller_dexgen.commands.requests import check_counts, check_mode
    from dexgen_controller_dexgen.model import ControllerModel
    from dexgen_controller_dexgen.parameters import MODES

    check_counts(args, "rows", "processes", "environments", "detour_steps")
    for name in ("burst_rate", "detour_rate"):
        if not 0.0 <= getattr(args, name) <= 1.0:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{getattr(args, name)} is no share of the steps", where=option)
    for entry in args.policy:
        name, _, mode = entry.partition(":")
        if mode:
            check_mode(mode, MODES, where="--policy")
        load_policy(Path(name))
    if args.detour:
        ControllerModel.load(Path(args.detour))


def _work(args: argparse.Namespace, index: int) -> None:
    """Collect in a process of its own; an error is one line and a status."""
    from dexgen_app.errors import DexgenError
    from dexgen_app.learn.lock import FolderLock

    try:
        with FolderLock(args.folder / f"part-{index}"):
            _collect(args, index)
    except DexgenError as error:
        print(f"dexgen-app: process {index}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _collect(args: argparse.Namespace, index: int) -> None:
    """Collect one process's share; reports on the first process only."""
    from dataclasses import replace

    import torch

    from dexgen_app.learn.config import from_plain, override, to_plain
    from dexgen_app.learn.environment import EnvironmentContext
    from dexgen_app.learn.object_names import parse_object
    from dexgen_app.learn.policy import load_policy
    from dexgen_app.learn.progress import Progress
    from dexgen_app.learn.transitions import TransitionFormat, TransitionWriter
    from dexgen_app.plugins import PluginRegistry, load_object
    from dexgen_controller_dexgen.collection import CollectionConfig, Collector
    from dexgen_controller_dexgen.mirror import load_for_hand
    from dexgen_controller_dexgen.parameters import MODES
    from dexgen_controller_dexgen.policy import GuidedPolicy

    torch.set_num_threads(1)
    registry = PluginRegistry.load(args.safe_mode, args.disable)
    share = int(args.rows) // args.processes
    for turn, entry in enumerate(args.policy):
        name, _, mode = entry.partition(":")
        expert = load_policy(Path(name))
        hand = registry.find_hand(expert.hand)
        skill = registry.find_skill(expert.skill)
        settings = from_plain(load_object(skill.config), expert.config)
        # What lasts long is to be seen too, also where nothing is reached any more.
        settings = override(settings.for_trials(), args.settings)
        if args.gravity:
            settings = replace(settings, gravity=tuple(args.gravity))
        if args.object:
            settings = replace(settings, objects=tuple(map(parse_object, args.object)))
        # Where a dataset is continued, other episodes must be drawn than before.
        layout = TransitionFormat.of(hand, 1.0 / settings.control_hz, MODES)
        folder = args.folder / f"part-{index}"
        provenance = {
            "command": args.command,
            "seed": args.seed,
            "engine": args.engine,
            "policy": name,
            "skill": expert.skill,
            "settings": to_plain(settings),
        }
        writer = TransitionWriter(folder, layout, provenance)
        wanted = share * (turn + 1) // len(args.policy) - writer.rows
        if wanted <= 0:
            continue
        seed = int(
            np.random.SeedSequence([args.seed, index, turn, writer.rows]).generate_state(1)[0]
        )
        environment = load_object(skill.environment)(
            EnvironmentContext(
                hand=hand, engine=args.engine, environments=args.environments, seed=seed
            ),
            settings,
        )
        detour = None
        if args.detour:
            model = load_for_hand(Path(args.detour), hand)
            detour = GuidedPolicy(model, args.environments, seed=seed)
        config = CollectionConfig(
            burst_rate=args.burst_rate,
            detour_rate=args.detour_rate if detour else 0.0,
            detour_steps=args.detour_steps,
            seed=seed,
        )
        label = MODES.index(mode or MODES[0])
        collector = Collector(environment, expert, writer, config, mode=label, detour=detour)
        progress = Progress(wanted, "rows")

        def report(
            done: int, collector: Collector = collector, progress: Progress = progress
        ) -> None:
            progress.advance(done)
            if index == 0:
                print(f"{progress.line()}; {collector.drops} drops", flush=True)
            parent = multiprocessing.parent_process()
            if parent is not None and not parent.is_alive():
                raise KeyboardInterrupt  # nobody waits for the rows any more

        try:
            collector.collect(wanted, report)
        except KeyboardInterrupt:
            writer.flush()
            raise
        finally:
            environment.close()


def _info(args: argparse.Namespace, store: TransitionStore) -> int:
    from dataclasses import asdict

    facts = {
        "rows": len(store),
        "hours": len(store) * store.format.control_dt / 3600.0,
        "format": asdict(store.format),
        "provenance": [
            entry for manifest in store.manifests.values() for entry in manifest["provenance"]
        ],
    }
    if args.json:
        print(json.dumps(facts, indent=2))
        return 0
    print(f"{args.folder}: {facts['rows']:,} rows, {facts['hours']:.1f} hours")
    layout = facts["format"]
    print(f"hand {layout['hand']}, {1 / layout['control_dt']:g} Hz, modes {layout['modes']}")
    for command in dict.fromkeys(entry["command"] for entry in facts["provenance"]):
        print(f"made by {command}")
    return 0


def _show(args: argparse.Namespace, store: TransitionStore) -> int:
    from dexgen_app.spec import GRAVITY_DIRECTIONS
    from dexgen_controller_dexgen.history import HISTORY, HORIZON

    clean = store.windows(HISTORY, HORIZON, clean=True)
    every = store.windows(HISTORY, HORIZON, clean=False)
    print(f"{len(store):,} rows; {len(every):,} windows, {len(clean):,} undisturbed")
    rows = np.random.default_rng(0).choice(clean, size=min(20_000, len(clean)), replace=False)
    for step in range(1, HORIZON + 1):
        moved = store.gather("keypoints", rows + step) - store.gather("keypoints", rows)
        seconds = step * store.format.control_dt
        print(
            f"keypoint motion over {seconds:.1f} s: {1000 * moved.std():.2f} mm standard deviation"
        )
    gravity = store.column("gravity")
    nearest = (gravity @ np.array(list(GRAVITY_DIRECTIONS.values())).T).argmax(-1)
    for index, name in enumerate(GRAVITY_DIRECTIONS):
        print(f"  {name:14} {100 * (nearest == index).mean():5.1f} % of the rows")
    for index, mode in enumerate(store.format.modes):
        print(f"  mode {mode:9} {100 * (store.column('mode') == index).mean():5.1f} % of the rows")
    return 0


def _check(args: argparse.Namespace, store: TransitionStore) -> int:
    from dexgen_app.errors import InputError

    for name, (dtype, _) in store.format.columns().items():
        if dtype.kind == "f" and not np.isfinite(store.column(name)).all():
            raise InputError(
                f"column {name} holds a value that is not finite", where=str(args.folder)
            )
    jump = np.abs(store.column("next_target") - store.column("target")).max()
    print(f"{len(store):,} rows are whole; largest change of a target {jump:.3f} rad")
    return 0
