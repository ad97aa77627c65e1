"""``dexgen-app gui``: the window."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dexgen_app.errors import DexgenError

if TYPE_CHECKING:
    from dexgen_app.live.protocol import SessionConfig

HELP = "open the window (the default)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app gui``; what is left out is as it was last time."""
    parser.add_argument("--hand", help="id or alias of a hand")
    parser.add_argument("--driver", help="sim, or ID[:ARGUMENT] of a real hand")
    parser.add_argument("--engine", choices=("genesis", "mujoco"), help="simulator of the hand")
    parser.add_argument("--device", help="ID[:ARGUMENT] of a teleoperation device")
    parser.add_argument("--controller", help="id of a controller")
    parser.add_argument("--profile", help="calibration profile of the person")
    parser.add_argument("--seed", type=int, help="seed of everything random")
    parser.add_argument("--review", type=Path, metavar="FILE.mcap", help="open a recording")
    parser.add_argument(
        "--connect",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="connect at the start; a simulated hand connects by itself",
    )
    parser.add_argument("--read-only", action="store_true", help="review beside another window")
    parser.add_argument("--offscreen", action="store_true", help="draw into memory only")


def run(args: argparse.Namespace) -> int:
    """Open the window and return when it is closed."""
    from dexgen_app.display import require_display

    if not args.offscreen:
        require_display()
    if args.review is not None and not args.review.is_file():
        raise DexgenError("there is no such recording", where=str(args.review))
    from dexgen_app.gui.app import config_from_settings, run_window
    from dexgen_app.settings import load_settings

    names = ("hand", "driver", "engine", "device", "controller", "profile", "seed")
    chosen = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    config = replace(
        config_from_settings(load_settings()),
        **chosen,
        safe_mode=bool(getattr(args, "safe_mode", False)),
        disabled=tuple(getattr(args, "disable", ())),
    )
    _check(config, chosen)
    return run_window(
        config,
        args.review,
        offscreen=args.offscreen,
        read_only=args.read_only,
        connect=args.connect,
    )


def _check(config: SessionConfig, chosen: Mapping[str, object]) -> None:
    """Raise UnknownIdError for a hand, device or controller that was asked for but is not there."""
    from dexgen_app.plugins import PluginRegistry

    registry = PluginRegistry.load(config.safe_mode, config.disabled)
    for name, find in (
        ("hand", registry.find_hand),
        ("device", registry.find_teleop),
        ("controller", registry.find_controller),
    ):
        if name in chosen:
            find(str(chosen[name]).partition(":")[0])
