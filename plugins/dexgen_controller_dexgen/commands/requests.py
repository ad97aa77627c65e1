"""What is wrong with a command's options, said before anything is simulated."""

from __future__ import annotations

import argparse
import math

from dexgen_app.errors import InputError
from dexgen_controller_dexgen.parameters import PARAMETERS


def check_counts(args: argparse.Namespace, *names: str) -> None:
    """Raise unless these options are at least 1.

    Raises:
        InputError: One is not.
    """
    for name in names:
        value = getattr(args, name)
        if not 1 <= value < 1e12:
            raise InputError(f"{value} is no number of {name}", where=f"--{name.replace('_', '-')}")


def check_mode(mode: str, modes: tuple[str, ...], where: str = "--mode") -> None:
    """Raise unless a mode label is known.

    Raises:
        InputError: It is not.
    """
    if mode not in modes:
        raise InputError(f"there is no mode {mode!r}", where=where, remedy=f"Use {_any(modes)}")


def check_bench(args: argparse.Namespace, modes: tuple[str, ...]) -> None:
    """Raise if a benchmark cannot be run as asked.

    Args:
        args: The options.
        modes: The model's mode labels.

    Raises:
        InputError: A guidance, mode, number or time is impossible.
    """
    from dexgen_controller_dexgen.diffusion import TRAIN_STEPS

    guidance = next(p for p in PARAMETERS if p.name == "guidance")
    for strength in args.guidance:
        if not guidance.lower <= strength <= guidance.upper:
            raise InputError(
                f"{strength:g} is no guidance",
                where="--guidance",
                remedy=f"Use numbers from {guidance.lower:g} to {guidance.upper:g}",
            )
    check_mode(args.mode, modes)
    check_counts(args, "environments", "steps", "processes")
    if args.steps > TRAIN_STEPS:
        raise InputError(
            f"the sampler has at most {TRAIN_STEPS} steps, not {args.steps}", where="--steps"
        )
    if not 0.0 < args.seconds < math.inf:
        raise InputError(f"{args.seconds:g} is no length of time", where="--seconds")


def _any(words: tuple[str, ...]) -> str:
    return " or ".join(words)
