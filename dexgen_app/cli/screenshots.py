"""``dexgen-app screenshots``: the pictures of the guide, made by really running the window."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from dexgen_app.errors import DexgenError

HELP = "make the pictures of the documentation"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app screenshots``."""
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder")
    parser.add_argument("--size", default="1600x1000", help="size of the window [px]")
    parser.add_argument("--engine", choices=("genesis", "mujoco"), default="genesis")
    parser.add_argument("--device", default="script", help="ID[:ARGUMENT] of a device")
    parser.add_argument("--controller", default="", help="id of a controller; else a newcomer's")


def run(args: argparse.Namespace) -> int:
    """Run the window offscreen in a home of its own and leave the pictures."""
    width, _, height = args.size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise DexgenError(f"{args.size!r} is not WIDTHxHEIGHT", where="--size")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DexgenError(
            f"the folder cannot be made: {error.strerror}", where=str(args.out)
        ) from error
    from dexgen_app import paths

    cache = paths.cache_dir()
    with tempfile.TemporaryDirectory(prefix="dexgen-screenshots-") as home:
        # A home of its own: no recording or setting of the user's gets into the pictures.
        (Path(home) / "cache").symlink_to(cache, target_is_directory=True)
        before = os.environ.get("DEXGEN_HOME")
        os.environ["DEXGEN_HOME"] = home
        try:
            return _take(args, int(width), int(height))
        finally:
            if before is None:
                del os.environ["DEXGEN_HOME"]
            else:
                os.environ["DEXGEN_HOME"] = before


def _take(args: argparse.Namespace, width: int, height: int) -> int:
    from dexgen_app.gui.app import Application, run_window
    from dexgen_app.gui.screenshots import Photographer
    from dexgen_app.live.protocol import SessionConfig

    config = SessionConfig(
        engine=args.engine, device=args.device, controller=args.controller, hold_dead_man=True
    )
    made: list[Photographer] = []

    def begin(application: Application) -> None:
        made.append(Photographer(application, args.out.absolute(), (width, height)))

    run_window(config, offscreen=True, connect=True, remember=False, after_start=begin)
    for path in made[0].paths:
        print(path)
    if made[0].problem:
        print(f"dexgen-app: {made[0].problem}", file=sys.stderr)
        return 1
    return 0
