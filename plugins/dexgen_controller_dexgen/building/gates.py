"""What must be true before the next stage is worth its time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dexgen_app.errors import DexgenError
from dexgen_app.learn.evaluate import EvaluationResult
from dexgen_app.learn.transitions import TransitionStore
from dexgen_controller_dexgen.benchmark import Cell
from dexgen_controller_dexgen.history import HISTORY, HORIZON

LEAST_WINDOWS = 2000
HARDEST = "add1.5"


class GateError(DexgenError):
    """A stage's result is not good enough for the next one."""


def require_expert(
    results: Sequence[EvaluationResult], least_seconds: float, least_goals: float
) -> None:
    """Raise unless an expert holds and moves the object in every direction.

    No controller can hold longer than what it is distilled from.

    Raises:
        GateError: It does not; names the worst direction.
    """
    worst = min(results, key=lambda result: result.time_to_drop)
    idle = min(results, key=lambda result: result.goals_per_minute)
    remedy = (
        "Give the same command with a longer --budget, and its training goes on; or name a better "
        "one by --expert FILE, fewer directions by --gravity, or a lower limit by "
    )
    if worst.time_to_drop < least_seconds:
        raise GateError(
            f"the expert holds the object for {worst.time_to_drop:.0f} s with gravity "
            f"{worst.gravity}; data is collected from an expert that holds it for "
            f"{least_seconds:g} s",
            where="expert",
            remedy=f"{remedy}--least-hold",
        )
    if idle.goals_per_minute < least_goals:
        raise GateError(
            f"the expert reaches {idle.goals_per_minute:.1f} goals a minute with gravity "
            f"{idle.gravity}, not {least_goals:g}",
            where="expert",
            remedy=f"{remedy}--least-goals",
        )


def require_data(folder: Path) -> int:
    """Return the number of undisturbed windows of a dataset.

    Raises:
        GateError: There are too few to learn from.
        InputError: The dataset is damaged.
    """
    windows = len(TransitionStore(folder, verify=True).windows(HISTORY, HORIZON, clean=True))
    if windows < LEAST_WINDOWS:
        raise GateError(
            f"the dataset has {windows:,} undisturbed windows, fewer than {LEAST_WINDOWS:,}",
            where=str(folder),
            remedy="Give the same command with a longer --budget",
        )
    return windows


def find_faults(cells: Sequence[Cell]) -> list[str]:
    """Return what speaks against a controller: nothing where the benchmark bears it out."""
    faults = []
    for name in dict.fromkeys(cell.commander for cell in cells):
        guided = sorted(
            (c for c in cells if c.commander == name and c.controller == "dexgen"),
            key=lambda cell: cell.strength,
        )
        raw = [c for c in cells if c.commander == name and c.controller == "raw"]
        if not guided or not raw:
            continue
        if name == HARDEST and guided[-1].cosine <= guided[0].cosine:
            faults.append(
                f"{name}: it does not follow: the cosine between commanded and realised motion "
                f"goes from {guided[0].cosine:.2f} to {guided[-1].cosine:.2f} as guidance grows"
            )
        longest = max(guided, key=lambda cell: cell.time_to_drop)
        if name == HARDEST and longest.time_to_drop <= raw[0].time_to_drop:
            faults.append(
                f"{name}: it holds for {longest.time_to_drop:.1f} s at best, the command alone "
                f"for {raw[0].time_to_drop:.1f} s"
            )
    return faults
