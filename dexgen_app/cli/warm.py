"""``dexgen-app warm``: compiles and searches ahead of time what a first session would wait for."""

from __future__ import annotations

import argparse
import itertools
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dexgen_app.plugins import PluginRegistry
    from dexgen_app.spec import HandSpec

HELP = "compile the kernels of simulator and controllers and find starting grasps ahead of time"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app warm``."""
    parser.add_argument(
        "--engine",
        choices=("genesis", "mujoco", "all"),
        default="all",
        help="which simulator to prepare (default: all)",
    )
    parser.add_argument("--hand", default="", help="only this hand (default: all hands)")
    parser.add_argument("--force", action="store_true", help="do it again even if it was done")


def run(args: argparse.Namespace) -> int:
    """Fill the caches; quick if they are full."""
    from dexgen_app.plugins import PluginRegistry
    from dexgen_app.sim.cache import prepare_caches

    prepare_caches()
    registry = PluginRegistry.load(args.safe_mode, args.disable)
    hands = [registry.find_hand(args.hand)] if args.hand else list(registry.hands.values())
    if not hands:
        print("no hand is installed; nothing to prepare")
        return 0
    from dexgen_app.sim.warm import warm_genesis, warm_grasps

    with _Ticker() as ticker:
        for hand in hands:
            warm_grasps(hand, ticker.report)
            _warm_controllers(registry, hand, ticker.report)
        if args.engine != "mujoco":
            done = warm_genesis(hands[0], ticker.report, force=args.force)
            if not done:
                ticker.report("the kernels of Genesis are compiled already")
    print(f"ready after {ticker.seconds:.0f} s")
    return 0


def _warm_controllers(
    registry: PluginRegistry, hand: HandSpec, report: Callable[[str], None]
) -> None:
    """Build each controller that can drive a hand once: what it compiles is there after that."""
    from dexgen_app.errors import DexgenError
    from dexgen_app.spec import ControllerContext

    for controller in registry.controllers.values():
        if controller.hands and hand.id not in controller.hands:
            continue
        try:
            if controller.ready and registry.build(controller.ready, hand, owner_id=controller.id):
                continue
            report(f"building the controller {controller.id} for {hand.id}")
            registry.build(controller.factory, ControllerContext(hand=hand), owner_id=controller.id)
        except DexgenError as error:
            report(str(error))


class _Ticker:
    """Prints what is done, with a running clock on a terminal."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._text = ""
        self._live = sys.stdout.isatty()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def __enter__(self) -> _Ticker:
        if self._live:
            self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        if self._live:
            self._thread.join()
            print()

    def report(self, text: str) -> None:
        if self._live and self._text:
            print()
        self._text = text
        print(self._line(), end="" if self._live else "\n", flush=True)

    def _line(self) -> str:
        return f"[{self.seconds:4.0f} s] {self._text}"

    def _tick(self) -> None:
        for spinner in itertools.cycle("-\\|/"):
            if self._end.wait(0.5):
                print(f"\r{self._line()}  ", end="", flush=True)
                return
            print(f"\r{self._line()} {spinner}", end="", flush=True)
