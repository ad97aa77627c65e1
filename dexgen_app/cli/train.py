"""``dexgen-app train``: trains a skill, goes on after a kill, evaluates what came out."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING, Any

from dexgen_app.learn.object_names import HELP as OBJECT_HELP

if TYPE_CHECKING:
    from dexgen_app.learn.job import JobConfig
    from dexgen_app.learn.policy import Policy
    from dexgen_app.plugins import PluginRegistry

HELP = "train a motion primitive by reinforcement learning, resume it, evaluate it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app train``."""
    parser.add_argument("skill", nargs="?", default="", help="skill to train; none lists them")
    parser.add_argument("--hand", default="allegro", help="hand")
    parser.add_argument(
        "--engine", choices=("genesis", "mujoco"), default="mujoco", help="simulator"
    )
    parser.add_argument("--steps", type=float, default=2e6, help="environment steps in all")
    parser.add_argument("--environments", type=int, default=256, help="environments in all")
    parser.add_argument(
        "--processes", type=int, default=None, help="worker processes; 2, or 1 on a graphics card"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random")
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="cuda learns, and with --engine genesis simulates, on an NVIDIA graphics card",
    )
    parser.add_argument("--run", default="", help="name of the run; a date by default")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--start-from", default="", metavar="FILE", help="checkpoint to start with")
    parser.add_argument(
        "--checkpoint-steps", type=float, default=1e5, help="environment steps between checkpoints"
    )
    parser.add_argument(
        "--evaluate-seconds",
        type=float,
        default=0.0,
        help="simulated time of each environment in an evaluation of every checkpoint; 0 for none",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="FIELD=VALUE",
        help="change a setting of the skill, or of PPO by ppo.FIELD; may be repeated",
    )
    parser.add_argument(
        "--object",
        action="append",
        default=[],
        help=f"object, repeatable: the environments are dealt out; {OBJECT_HELP}",
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--evaluate",
        action="store_true",
        help="evaluate the run, or without --run the shipped policy; do not train",
    )
    group.add_argument(
        "--average",
        nargs="+",
        default=[],
        metavar="FILE",
        help="average the weights of these policies of one training into --out; do not train",
    )
    group.add_argument("--status", action="store_true", help="tell where the runs stand")
    parser.add_argument("--seconds", type=float, default=60.0, help="--evaluate: simulated time")
    parser.add_argument(
        "--trial-seconds",
        type=float,
        default=120.0,
        help="--evaluate: simulated time after which a trial that holds ends",
    )
    parser.add_argument(
        "--gravity", action="append", default=[], help="--evaluate: direction, or all; repeatable"
    )
    parser.add_argument("--policy", default="", metavar="FILE", help="--evaluate: weights")
    parser.add_argument("--out", default="", metavar="FILE", help="--average: where to write")


def run(args: argparse.Namespace) -> int:
    """Train, evaluate or tell where the runs stand."""
    from dexgen_app.plugins import PluginRegistry

    registry = PluginRegistry.load(args.safe_mode, args.disable)
    if args.status:
        return _tell_status()
    if args.average:
        return _average(args)
    if not args.skill and not args.run:
        for spec in registry.skills.values():
            print(f"{spec.id:14} {spec.help}")
        return 0
    if args.evaluate:
        return _evaluate(args, registry)
    return _train(args, registry)


def _train(args: argparse.Namespace, registry: PluginRegistry) -> int:
    import time

    from dexgen_app.learn.config import from_plain, to_plain
    from dexgen_app.learn.job import JobConfig, run_job
    from dexgen_app.learn.run_folder import RunFolder

    name = args.run or time.strftime(f"{args.skill}-%Y%m%d-%H%M%S")
    folder = RunFolder.named(name)
    if args.resume:
        config: JobConfig = from_plain(JobConfig, folder.config())
    else:
        config = _job_config(args, registry)
        folder.create(to_plain(config))
    folder.set_request("")
    print(f"run {folder.path}", flush=True)
    run_job(
        folder,
        config,
        registry,
        resume=args.resume,
        report=lambda line: print(line, flush=True),
    )
    return 0


def _job_config(args: argparse.Namespace, registry: PluginRegistry) -> JobConfig:
    from dexgen_app.learn.config import override, to_plain
    from dexgen_app.learn.job import JobConfig
    from dexgen_app.learn.ppo import PpoConfig
    from dexgen_app.plugins import load_object

    skill = registry.find_skill(args.skill)
    hand = registry.find_hand(args.hand)
    ppo = [s.removeprefix("ppo.") for s in args.settings if s.startswith("ppo.")]
    own = [s for s in args.settings if not s.startswith("ppo.")]
    settings: Any = _with_objects(override(load_object(skill.config)(), own), args.object)
    return JobConfig(
        skill=skill.id,
        hand=hand.id,
        engine=args.engine,
        steps=int(args.steps),
        environments=args.environments,
        processes=args.processes or (2 if args.device == "cpu" else 1),
        seed=args.seed,
        device=args.device,
        checkpoint_steps=int(args.checkpoint_steps),
        evaluate_seconds=args.evaluate_seconds,
        start_from=args.start_from,
        ppo=override(PpoConfig(), ppo),
        environment=to_plain(settings),
        command=shlex.join(("dexgen-app", *sys.argv[1:])),
    )


def _with_objects(settings: Any, names: list[str]) -> Any:
    from dataclasses import replace

    from dexgen_app.learn.object_names import parse_object

    if not names:
        return settings
    return replace(settings, objects=tuple(parse_object(name) for name in names))


def _evaluate(args: argparse.Namespace, registry: PluginRegistry) -> int:
    import torch

    from dexgen_app.learn.config import from_plain, override
    from dexgen_app.learn.evaluate import EvaluationOptions, evaluate_policy
    from dexgen_app.plugins import load_object
    from dexgen_app.sim.cache import use_backend
    from dexgen_app.spec import GRAVITY_DIRECTIONS

    torch.set_num_threads(1)
    if args.device != "cpu":
        use_backend(args.device)
    policy = _policy(args, registry)
    hand = registry.find_hand(policy.hand)
    skill = registry.find_skill(args.skill or policy.skill)
    # A policy may be tried on another skill of the same layout, with that skill's own settings.
    plain = policy.config if skill.id == policy.skill else {}
    settings = override(from_plain(load_object(skill.config), plain), args.settings)
    settings = _with_objects(settings, args.object)
    gravity = tuple(GRAVITY_DIRECTIONS) if "all" in args.gravity else tuple(args.gravity)
    options = EvaluationOptions(
        engine=args.engine,
        environments=args.environments,
        seconds=args.seconds,
        episode_seconds=args.trial_seconds,
        gravity=gravity,
        seed=1000 + args.seed,
    )
    print(f"{args.engine}, {args.environments} environments, seed {options.seed}")
    environment = load_object(skill.environment)
    print("gravity        drops   time to drop, 95 % interval        goals a minute")
    for result in evaluate_policy(policy, hand, settings, environment, options):
        held = f"{result.time_to_drop:.1f} s" if result.drops else "no drop"
        print(
            f"{result.gravity:14} {result.drops:5}   {held:>9} "
            f"({result.shortest:.1f} to {result.longest:.1f} s)   {result.goals_per_minute:.1f}",
            flush=True,
        )
        own = [f"{k} {v:.3f} {environment.measures[k]}" for k, v in result.measures.items()]
        if result.trials:
            own.append(
                f"{100.0 * result.dropped_share:.1f} % of {result.trials} trials of "
                f"{args.trial_seconds:g} s dropped"
            )
        print("  " + "; ".join(own), flush=True)
    return 0


def _average(args: argparse.Namespace) -> int:
    from pathlib import Path

    from dexgen_app.errors import InputError
    from dexgen_app.learn.average import average_policies
    from dexgen_app.learn.policy import save_policy

    if not args.out:
        raise InputError("nothing says where the average goes", remedy="Add --out FILE")
    save_policy(Path(args.out), average_policies([Path(name) for name in args.average]))
    print(f"the average of {len(args.average)} policies: {args.out}")
    return 0


def _policy(args: argparse.Namespace, registry: PluginRegistry) -> Policy:
    """Return the policy of a file, of a run, or the one that the skill ships."""
    from pathlib import Path

    from dexgen_app.errors import InputError
    from dexgen_app.learn.policy import load_policy, shipped_policy
    from dexgen_app.learn.run_folder import RunFolder

    if args.policy:
        return load_policy(Path(args.policy))
    if not args.run:
        return shipped_policy(registry.find_skill(args.skill), registry.find_hand(args.hand))
    policies = RunFolder.named(args.run).policies()
    if not policies:
        raise InputError("the run has no policy yet", where=args.run)
    print(policies[-1])
    return load_policy(policies[-1])


def _tell_status() -> int:
    from dexgen_app.learn.progress import format_count, format_seconds
    from dexgen_app.learn.run_folder import list_runs

    for folder in list_runs():
        progress = folder.read_json("progress.json") or {}
        rows = folder.rows("metrics.jsonl")
        last = rows[-1] if rows else {}
        print(
            f"{folder.path.name:30} {progress.get('state', 'new'):8} "
            f"{format_count(progress.get('done', 0))} of "
            f"{format_count(progress.get('total', 0))} steps, "
            f"{format_seconds(progress.get('seconds_left', 0.0))} left; time to drop "
            f"{last.get('time_to_drop', 0.0):.1f} s, "
            f"{last.get('goals_per_minute', 0.0):.1f} goals a minute"
        )
    return 0
