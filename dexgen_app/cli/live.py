"""``dexgen-app live``: a live session, in the window or without one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dexgen_app.errors import DexgenError

if TYPE_CHECKING:
    from dexgen_app.live.protocol import SessionConfig
    from dexgen_app.spec import ObjectSpec, WristProgram

HELP = "drive a hand: with the window, or without one (--headless)"
SHAPES = ("cube", "box", "sphere", "cylinder", "capsule")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app live``."""
    parser.add_argument("--hand", default="allegro", help="id or alias of a hand")
    parser.add_argument("--driver", default="sim", help="sim, or ID[:ARGUMENT] of a real hand")
    parser.add_argument("--engine", default="genesis", choices=("genesis", "mujoco"))
    parser.add_argument("--device", default=None, help="ID[:ARGUMENT] of a device (sliders)")
    parser.add_argument("--controller", default="direct", help="id of a controller")
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the controller; --NAME VALUE is the same (--guidance 1000)",
    )
    parser.add_argument("--object", default="cube", choices=SHAPES, help="simulated object")
    parser.add_argument(
        "--object-size", metavar="M", default="", help="edge or diameter, or X,Y,Z [m] (0.06)"
    )
    parser.add_argument("--no-object", action="store_true", help="simulate the hand alone")
    parser.add_argument(
        "--wrist",
        default="palm_up",
        metavar="POSE[:SECONDS]",
        help="palm_up, palm_down, fingers_up, ...; with seconds, the period of a sweep",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random")
    parser.add_argument("--rate", type=float, default=60.0, help="rate of the loop [Hz]")
    parser.add_argument("--profile", default="default", help="calibration profile of the person")
    parser.add_argument(
        "--human-side",
        default="",
        choices=("right", "left"),
        help="hand that the device sees, if it is not the robot's side: its motion is mirrored",
    )
    parser.add_argument(
        "--safety", action="append", default=[], metavar="NAME=VALUE", help="a safety setting"
    )
    group = parser.add_argument_group("without a window")
    group.add_argument("--headless", action="store_true", help="open no window")
    group.add_argument("--seconds", type=float, default=0.0, help="end after so long; 0: Ctrl-C")
    group.add_argument("--record", default="", metavar="FILE.mcap", help="record the session")
    group.add_argument("--report", default="", metavar="FILE.json", help="write the report")
    group.add_argument(
        "--auto-arm",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="arm when connected, the dead-man switch counting as held; simulation only",
    )


def take_extra(args: argparse.Namespace, words: list[str]) -> None:
    """Take ``--NAME VALUE`` and ``--NAME=VALUE`` as parameters of the chosen controller.

    Raises:
        DexgenError: A word is no option, the controller has no such parameter, or an option has
            no value.
    """
    from dexgen_app.plugins import PluginRegistry

    registry = PluginRegistry.load(args.safe_mode, args.disable)
    controller = registry.find_controller(args.controller)
    declared = [parameter.name for parameter in controller.parameters]
    left = list(words)
    while left:
        option, sign, value = left.pop(0).partition("=")
        name = option.removeprefix("--")
        if name == option:
            raise DexgenError(f"{option!r} belongs to no option", remedy="See live --help")
        if name not in declared:
            raise DexgenError(
                f"there is no such option, and no such parameter of {controller.id}",
                where=option,
                remedy=f"Its parameters: {', '.join(declared) or 'none'}",
            )
        if not sign:
            value = left.pop(0) if left else ""
        if not value or value.startswith("--"):
            raise DexgenError("the value is missing", where=option)
        args.param.append(f"{name}={value}")


def run(args: argparse.Namespace) -> int:
    """Run a session as the options say."""
    from dexgen_app.live.preflight import check_session
    from dexgen_app.plugins import PluginRegistry

    config = make_config(args)
    check_session(config, PluginRegistry.load(config.safe_mode, config.disabled))
    if not args.seconds >= 0.0:
        raise DexgenError(f"{args.seconds} is no length of time", where="--seconds")
    if args.headless:
        from dexgen_app.live.headless import run_headless

        return run_headless(
            config,
            seconds=args.seconds,
            record=args.record,
            report=args.report,
            arm=args.auto_arm is not False,
        )
    for name in ("seconds", "record", "report"):
        if getattr(args, name):
            raise DexgenError(f"--{name} needs --headless")
    from dexgen_app.display import require_display

    require_display()
    from dexgen_app.gui.app import run_window

    return int(run_window(config))


def make_config(args: argparse.Namespace) -> SessionConfig:
    """Return the session that the options describe.

    Raises:
        DexgenError: An option has an impossible value.
    """
    from dexgen_app.live.protocol import SessionConfig
    from dexgen_app.spec import SceneSpec

    simulated = args.driver == "sim"
    if args.auto_arm and not simulated:
        raise DexgenError(
            "a real hand is not armed by itself", where="--auto-arm", remedy="Use the window"
        )
    thing = _object(args.object, args.object_size)
    return SessionConfig(
        hand=args.hand,
        driver=args.driver,
        engine=args.engine,
        device=args.device or ("script" if args.headless else "sliders"),
        controller=args.controller,
        parameters={name: _number_or_word(value) for name, value in _pairs("param", args.param)},
        scene=SceneSpec(object=None if args.no_object else thing, wrist=_wrist(args.wrist)),
        seed=args.seed,
        rate_hz=args.rate,
        profile=args.profile,
        human_side=args.human_side,
        safety={name: _number(name, value) for name, value in _pairs("safety", args.safety)},
        hold_dead_man=args.headless and simulated and args.auto_arm is not False,
        safe_mode=bool(getattr(args, "safe_mode", False)),
        disabled=tuple(getattr(args, "disable", ())),
    )


def _object(shape: str, size: str) -> ObjectSpec:
    from dexgen_app.spec import ObjectSpec

    default = ObjectSpec().size
    lengths = [_number("object-size", part) for part in size.split(",")] if size else []
    if shape in ("cylinder", "capsule") and len(lengths) == 2:
        lengths = [lengths[0], *lengths]
    if len(lengths) == 1:
        lengths *= 3
    if len(lengths) not in (0, 3):
        raise DexgenError(f"{size!r} is not one length or three", where="--object-size")
    x, y, z = lengths or default
    try:
        return ObjectSpec(shape=shape, size=(x, y, z))  # type: ignore[arg-type]
    except ValueError as error:
        raise DexgenError(str(error), where="--object") from error


def _wrist(text: str) -> WristProgram:
    from dexgen_app.spec import WristProgram

    name, _, period = text.partition(":")
    try:
        return WristProgram(
            direction=name, sweep_period=_number("wrist", period) if period else 0.0
        )
    except ValueError as error:
        raise DexgenError(str(error), where="--wrist") from error


def _pairs(option: str, texts: list[str]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in texts]
    for name, sign, value in pairs:
        if not (name and sign and value):
            raise DexgenError(f"{name + sign + value!r} is not NAME=VALUE", where=f"--{option}")
    return [(name, value) for name, _, value in pairs]


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DexgenError(f"{text!r} is not a number", where=f"--{name}") from None


def _number_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
