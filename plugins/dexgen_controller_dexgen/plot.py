"""Draws the benchmark as the paper does: holding time and goals over guidance."""

from __future__ import annotations

from pathlib import Path

from dexgen_controller_dexgen.benchmark import Cell

TITLES = {
    "add0.75": "+ U(-0.75, 0.75)",
    "add1.5": "+ U(-1.5, 1.5)",
    "mul0.5": "x U(0, 0.5)",
    "mul1.0": "x U(0, 1)",
}


def plot_cells(cells: list[Cell], path: Path) -> None:
    """Write a plot with a column for each commander, time to drop above, goals a minute below.

    Args:
        cells: The benchmark's cells.
        path: A PNG file.
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(cell.commander for cell in cells))
    figure = Figure(figsize=(3.2 * len(names), 5.4), layout="constrained")
    axes = figure.subplots(2, len(names), squeeze=False, sharex="col")
    for column, name in enumerate(names):
        guided = sorted(
            (c for c in cells if c.commander == name and c.controller == "dexgen"),
            key=lambda c: c.strength,
        )
        raw = [c for c in cells if c.commander == name and c.controller == "raw"]
        upper, lower = axes[0, column], axes[1, column]
        x = [c.strength for c in guided]
        times = [min(c.time_to_drop, c.seconds) for c in guided]
        spans = [c.interval for c in guided]
        upper.fill_between(
            x,
            [low for low, _ in spans],
            [min(high, c.seconds) for (_, high), c in zip(spans, guided)],
            alpha=0.2,
            color="tab:blue",
        )
        upper.plot(x, times, "o-", color="tab:blue", label="DexGen")
        goals = [c.goals_interval or (c.goals_per_minute, c.goals_per_minute) for c in guided]
        low, high = [low for low, _ in goals], [high for _, high in goals]
        lower.fill_between(x, low, high, alpha=0.2, color="tab:blue")
        lower.plot(x, [c.goals_per_minute for c in guided], "o-", color="tab:blue")
        for cell in raw:
            held = min(cell.time_to_drop, cell.seconds)
            upper.axhline(held, color="tab:orange", ls="--", label="raw")
            lower.axhline(cell.goals_per_minute, color="tab:orange", ls="--")
        upper.set_title(TITLES.get(name, name))
        upper.set_yscale("log")
        lower.set_xlabel("guidance")
        for axis in (upper, lower):
            axis.set_xscale("symlog", linthresh=100)
            axis.set_xlim(-30.0, 1.4 * max([100.0, *x]))
            axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("time to drop [s]")
    axes[1, 0].set_ylabel("goals a minute")
    axes[0, 0].legend()
    figure.savefig(path, dpi=110)
