"""``dexgen-app run``: the window, or a scripted run of it where there is no display."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from dexgen_app.errors import DexgenError

HELP = "open the window; without a display, run it for a while and report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app run``."""
    group = parser.add_argument_group("without a display")
    group.add_argument("--offscreen", action="store_true", help="as if there were no display")
    group.add_argument("--seconds", type=float, default=20.0, help="length of the scripted run")
    group.add_argument("--out", type=Path, default=Path("out"), help="folder of what it leaves")
    group.add_argument("--engine", choices=("genesis", "mujoco"), default="genesis")
    group.add_argument("--device", default="script", help="ID[:ARGUMENT] of a device")


def run(args: argparse.Namespace) -> int:
    """Open the window, or run the script."""
    from dexgen_app.display import has_display, require_display

    if has_display() and not args.offscreen:
        require_display()
        from dexgen_app.gui.app import run_window

        return run_window()
    return run_scripted(args)


def run_scripted(args: argparse.Namespace) -> int:
    """Run the window offscreen with a device that needs nobody."""
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DexgenError(
            f"the folder cannot be made: {error.strerror}", where=str(args.out), remedy="Use --out"
        ) from error
    if not os.access(args.out, os.W_OK):
        raise DexgenError("the folder cannot be written", where=str(args.out), remedy="Use --out")
    print(
        f"no display: the window runs offscreen for {args.seconds:g} s with the "
        f"{args.device.partition(':')[0]} device",
        flush=True,
    )
    from dexgen_app.gui.app import Application, run_window
    from dexgen_app.gui.scripted_run import ScriptedRun
    from dexgen_app.live.protocol import SessionConfig

    config = SessionConfig(
        engine=args.engine,
        device=args.device,
        hold_dead_man=True,
        safe_mode=bool(getattr(args, "safe_mode", False)),
        disabled=tuple(getattr(args, "disable", ())),
    )
    made: list[ScriptedRun] = []

    def begin(application: Application) -> None:
        made.append(
            ScriptedRun(application, args.out, args.seconds, lambda text: print(text, flush=True))
        )

    status = run_window(config, offscreen=True, connect=True, after_start=begin, remember=False)
    return made[0].status if made else status
