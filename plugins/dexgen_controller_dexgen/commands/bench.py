"""``dexgen-app bench controller``: the corrupted-expert benchmark."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dexgen_app.learn.object_names import HELP as OBJECT_HELP
from dexgen_controller_dexgen.parameters import BOOST, SMOOTHING_S, TEMPERATURE

if TYPE_CHECKING:
    from dexgen_app.learn.environment import HandEnvironment
    from dexgen_app.learn.policy import Policy
    from dexgen_app.spec import HandSpec
    from dexgen_controller_dexgen.benchmark import Cell
    from dexgen_controller_dexgen.commanders import Commander
    from dexgen_controller_dexgen.model import ControllerModel

PAPER = ("add0.75", "add1.5", "mul0.5", "mul1.0")
"""The corruptions of the paper's figure."""


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
    parser.add_argument("--mode", default="default", help="mode label")
    parser.add_argument("--gravity", action="append", default=[], help="direction; repeatable")
    parser.add_argument(
        "--object", action="append", default=[], help=f"instead of the expert's; {OBJECT_HELP}"
    )
    parser.add_argument(
        "--set", action="append", default=[], dest="settings", metavar="FIELD=VALUE"
    )
    parser.add_argument("--no-raw", action="store_true", help="leave out the raw commands")
    parser.add_argument("--out", type=Path, help="folder for table, JSON and plot")


def run(args: argparse.Namespace) -> int:
    """Measure every cell, print the table, write files."""
    import torch

    from dexgen_app.learn.policy import load_policy
    from dexgen_app.plugins import PluginRegistry
    from dexgen_controller_dexgen.benchmark import format_seeds, format_table, pool_cells
    from dexgen_controller_dexgen.commands.requests import check_bench
    from dexgen_controller_dexgen.mirror import load_for_hand
    from dexgen_controller_dexgen.shipped import weights_for

    torch.set_num_threads(1)
    registry = PluginRegistry.load(args.safe_mode, args.disable)
    expert = load_policy(args.expert)
    hand = registry.find_hand(expert.hand)
    model = load_for_hand(args.weights or weights_for(hand), hand)
    check_bench(args, model.info.modes)
    cells: list[Cell] = []
    begun = time.monotonic()
    for seed in args.seed:
        environment = _environment(args, registry, expert, hand, seed)
        try:
            for cell in _run_cells(args, environment, expert, model, seed):
                cells.append(cell)
                same = [c for c in cells if c.seeds == cell.seeds]
                print(format_table(same).splitlines()[-1], flush=True)
        finally:
            environment.close()
    table = format_table(pool_cells(cells))
    if len(args.seed) > 1:
        table += f"\n\n{format_seeds(cells)}"
    seeds = ", ".join(map(str, args.seed))
    print(f"\n{table}\n\n{time.monotonic() - begun:.0f} s, engine {args.engine}, seeds {seeds}")
    if args.out:
        _write(args, cells, table)
    return 0


def _run_cells(
    args: argparse.Namespace,
    environment: HandEnvironment,
    expert: Policy,
    model: ControllerModel,
    seed: int,
) -> Iterator[Cell]:
    """Measure every cell of a seed."""
    from dexgen_controller_dexgen.benchmark import run_cell
    from dexgen_controller_dexgen.policy import GuidedPolicy

    begun = environment.generator.get_state()
    for name in [str(args.commands)] if args.commands else args.corruption or PAPER:
        strengths: list[float | None] = list(args.guidance)
        if not args.no_raw:
            strengths.insert(0, None)
        for strength in strengths:
            policy = None
            if strength is not None:
                policy = GuidedPolicy(
                    model,
                    environment.count,
                    steps=args.steps,
                    seed=seed,
                    smoothing=args.smoothing,
                    temperature=args.temperature,
                    boost=args.boost,
                )
                policy.set_mode(args.mode)
            # All cells of a seed begin with the same grasps, goals and directions of gravity.
            environment.generator.set_state(begun)
            yield run_cell(
                environment,
                _commander(args, name, expert, environment, seed),
                name=Path(name).stem if args.commands else name,
                seconds=args.seconds,
                policy=policy,
                strength=strength or 0.0,
                seed=seed,
            )


def _environment(
    args: argparse.Namespace, registry: Any, expert: Policy, hand: HandSpec, seed: int
) -> HandEnvironment:
    from dataclasses import replace

    from dexgen_app.learn.config import from_plain, override
    from dexgen_app.learn.environment import EnvironmentContext
    from dexgen_app.learn.object_names import parse_object
    from dexgen_app.plugins import load_object

    skill = registry.find_skill(expert.skill)
    settings = override(from_plain(load_object(skill.config), expert.config), args.settings)
    # A trial ends with a drop or after the cell's share of time, two minutes at the least.
    trial = max(120.0, args.seconds / args.environments)
    settings = settings.for_trials(episode_seconds=trial)
    if args.gravity:
        settings = replace(settings, gravity=tuple(args.gravity))
    if args.object:
        settings = replace(settings, objects=tuple(parse_object(text) for text in args.object))
    context = EnvironmentContext(
        hand=hand, engine=args.engine, environments=args.environments, seed=5000 + seed
    )
    made: HandEnvironment = load_object(skill.environment)(context, settings)
    return made


def _commander(
    args: argparse.Namespace, name: str, expert: Policy, environment: HandEnvironment, seed: int
) -> Commander:
    from dexgen_controller_dexgen.commanders import (
        CORRUPTIONS,
        ClipCommander,
        RandomCommander,
        SpoiledExpert,
    )

    if args.commands:
        poses = _retarget(args.commands, environment)
        return ClipCommander(poses, environment.count, seed)
    if name == "random":
        return RandomCommander(seed)
    return SpoiledExpert(expert, CORRUPTIONS[name], seed)


def _retarget(path: Path, environment: HandEnvironment) -> Any:
    """Return the clip as joint targets at the control rate, shape (T, J)."""
    import numpy as np
    import torch

    from dexgen_app.errors import InputError
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


def _write(args: argparse.Namespace, cells: list[Cell], table: str) -> None:
    from dexgen_controller_dexgen.benchmark import pool_cells
    from dexgen_controller_dexgen.plot import plot_cells

    args.out.mkdir(parents=True, exist_ok=True)
    command = shlex.join(("dexgen-app", *sys.argv[1:]))
    (args.out / "table.md").write_text(f"`{command}`\n\n{table}\n")
    data = {"command": command, "seeds": args.seed, "engine": args.engine}
    pooled = pool_cells(cells)
    data["cells"] = [cell.as_dict() for cell in pooled]
    data["by_seed"] = [cell.as_dict() for cell in cells]
    (args.out / "cells.json").write_text(json.dumps(data, indent=1))
    plot_cells(pooled, args.out / "sweep.png")
    print(f"wrote {args.out}")
