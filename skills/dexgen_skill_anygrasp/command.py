"""``dexgen-app grasps``: makes sets of verified grasps, describes and draws them."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from dexgen_app.learn.object_names import HELP as OBJECT_HELP

if TYPE_CHECKING:
    from dexgen_app.learn.grasp_set import GraspSet
    from dexgen_app.spec import HandSpec, ObjectSpec
    from dexgen_skill_anygrasp.grasps.make import MakeOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app grasps``."""
    actions = parser.add_subparsers(dest="action", required=True)
    make = actions.add_parser("make", help="find grasps and verify them in physics")
    make.add_argument("--count", type=int, default=4000, help="number of grasps")
    make.add_argument("--seed", type=int, default=0, help="seed of everything random")
    make.add_argument("--engine", choices=("genesis", "mujoco"), default="mujoco")
    make.add_argument("--batch", type=int, default=256, help="guesses that are settled together")
    make.add_argument("--force", action="store_true", help="replace a set that exists")
    make.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="FIELD=VALUE",
        help="change a setting, as settle.lowest_tips=-1",
    )
    show = actions.add_parser("show", help="describe a set of grasps")
    for action in (make, show):
        action.add_argument("--hand", default="allegro", help="hand")
        action.add_argument(
            "--object",
            default="cube:60",
            help=OBJECT_HELP,
        )
    show.add_argument("--view", action="store_true", help="step through the grasps in a window")
    show.add_argument("--json", action="store_true", help="print JSON")
    show.add_argument("--picture", default="", metavar="FILE", help="draw some of the grasps")
    show.add_argument("--count", type=int, default=12, help="--picture: number of grasps")


def run(args: argparse.Namespace) -> int:
    """Make or describe a grasp set."""
    from dexgen_app.learn.object_names import parse_object
    from dexgen_app.plugins import PluginRegistry

    hand = PluginRegistry.load().find_hand(args.hand)
    item = parse_object(args.object)
    return _make(args, hand, item) if args.action == "make" else _show(args, hand, item)


def _make(args: argparse.Namespace, hand: HandSpec, item: ObjectSpec) -> int:
    import torch

    from dexgen_app.learn.config import override
    from dexgen_app.learn.goals import GoalOptions, connectivity
    from dexgen_app.learn.grasp_set import grasp_path, load_grasps, save_grasps
    from dexgen_skill_anygrasp.grasps.make import MakeOptions, MakeReport, make_grasps

    torch.set_num_threads(1)
    options = override(MakeOptions(count=args.count, batch=args.batch), args.settings)
    path = grasp_path(hand, item)
    if path.exists() and not args.force:
        grasps = load_grasps(path, hand)
        told = "" if _made_by(grasps, options) else ", which were made by other rules"
        print(f"{path}: there are {len(grasps)} grasps already{told}; --force replaces them")
        return 0

    def report(state: MakeReport) -> None:
        share = 100.0 * state.found / max(state.tried, 1)
        print(
            f"{state.found} of {args.count} grasps, {share:.0f} % of {state.tried} guesses "
            f"({state.kind}), {state.found / state.seconds:.1f} valid grasps a second",
            flush=True,
        )

    grasps = make_grasps(hand, item, options, engine=args.engine, seed=args.seed, report=report)
    save_grasps(path, grasps)
    graph = connectivity(grasps, GoalOptions())
    print(f"{path}\n{graph['components']:.0f} components, largest {100 * graph['largest']:.1f} %")
    return 0


def _made_by(grasps: GraspSet, options: MakeOptions) -> bool:
    """Return whether grasps were made by the rules of ``options``, in whatever number."""
    from dataclasses import asdict

    from dexgen_app.learn.grasp_set import options_hash

    made = grasps.info.get("options", {})
    sizes = {name: made[name] for name in ("count", "batch") if name in made}
    return options_hash(asdict(options) | sizes) == grasps.info.get("options_hash")


def _show(args: argparse.Namespace, hand: HandSpec, item: ObjectSpec) -> int:
    from dexgen_app.learn.goals import GoalOptions, connectivity
    from dexgen_app.learn.grasp_set import grasp_path, load_grasps
    from dexgen_app.spec import GRAVITY_DIRECTIONS

    path = grasp_path(hand, item)
    grasps = load_grasps(path, hand)
    if args.view:
        return _view(grasps, hand)
    if args.picture:
        from pathlib import Path

        from dexgen_skill_anygrasp.picture import save_sheet

        save_sheet(Path(args.picture), grasps, hand, args.count)
    facts = {
        "path": str(path),
        "grasps": len(grasps),
        "holds": {
            name: float(grasps.holds[:, column].float().mean())
            for column, name in enumerate(GRAVITY_DIRECTIONS)
        },
        "graph": connectivity(grasps, GoalOptions()),
        "info": grasps.info,
    }
    if args.json:
        print(json.dumps(facts, indent=2))
        return 0
    print(f"{path}\n{len(grasps)} grasps, seed {grasps.info['seed']}")
    for name, share in facts["holds"].items():
        print(f"  {name:14} {100 * share:5.1f} % hold")
    graph = facts["graph"]
    print(
        f"neighbour graph of {graph['grasps']} grasps: {graph['components']} components, "
        f"largest {100 * graph['largest']:.1f} %, median distance {graph['median_distance']:.2f}"
    )
    return 0


def _view(grasps: GraspSet, hand: HandSpec) -> int:
    from dexgen_app.cli.run import has_display
    from dexgen_app.errors import DexgenError
    from dexgen_app.gui.grasp_window import GraspTable, show_grasps

    if not has_display():
        raise DexgenError(
            "there is no display", where="--view", remedy="Use --picture FILE for some of them"
        )
    return show_grasps(
        GraspTable(
            hand=hand,
            object=grasps.object,
            joints=grasps.joints.numpy(),
            targets=grasps.targets.numpy(),
            object_pose=grasps.object_pose.numpy(),
            holds=grasps.holds.numpy(),
        )
    )
