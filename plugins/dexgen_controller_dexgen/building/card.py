"""What a built controller is, what made it and what it reached: a page, a table and plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dexgen_app import __version__
from dexgen_app.files import hash_file, write_text
from dexgen_app.learn.progress import format_seconds
from dexgen_controller_dexgen.benchmark import Cell, format_table


def write_card(
    folder: Path,
    model: Path,
    *,
    request: dict[str, Any],
    command: str,
    spent: dict[str, float],
    facts: dict[str, Any],
    cells: Sequence[Cell],
    faults: Sequence[str],
    runs: Sequence[Path],
) -> Path:
    """Write ``card.md`` and the plots of its trainings into the build's folder.

    Args:
        folder: The folder.
        model: The weights.
        request: What was asked for.
        command: The command line.
        spent: Time of each stage [s].
        facts: What was measured on the way.
        cells: The benchmark, whose plot is ``bench/sweep.png``.
        faults: What speaks against the controller.
        runs: Folders of the expert's training runs, in order.

    Returns:
        The page.
    """
    plots = [("The benchmark", "bench/sweep.png")]
    if plot_runs(runs, folder / "expert.png"):
        plots.append(("The expert's training", "expert.png"))
    if plot_losses(folder, folder / "losses.png"):
        plots.append(("The controller's training", "losses.png"))
    digest = hash_file(model)
    lines = [
        f"# Controller {folder.name}",
        "",
        f"Weights `{model.name}`, sha256 `{digest}`, dexgen-app {__version__}. Made by",
        "",
        f"    {command}",
        "",
        "**Meant for** " + _purpose(request),
        "",
        "**Faults found:** " + ("none by the benchmark below" if not faults else ""),
        *(f"- {fault}" for fault in faults),
        "",
        "| stage | time |",
        "| --- | --- |",
        *(f"| {name} | {format_seconds(seconds)} |" for name, seconds in spent.items()),
        f"| all | {format_seconds(sum(spent.values()))} |",
        "",
        f"Dataset: {facts.get('rows', 0):,} rows. Last losses: prior "
        f"{facts.get('prior_loss', float('nan')):.4f}, inverse dynamics "
        f"{facts.get('inverse_loss', float('nan')):.4f} of normalised variance.",
        "",
        *_foresight(facts.get("foreseen", {})),
        *_expert_table(facts.get("expert", [])),
        "## Benchmark",
        "",
        "Spoiled expert alone (raw) and as the command of DexGen; time to drop is simulated time "
        "over drops with its 95 % Poisson interval, `cos` the cosine between commanded and "
        "realised fingertip motion.",
        "",
        format_table(list(cells)),
        "",
        *(f"![{title}]({name})\n" for title, name in plots),
    ]
    page = folder / "card.md"
    write_text(page, "\n".join(lines))
    return page


def _purpose(request: dict[str, Any]) -> str:
    gravity = ", ".join(request["gravity"]) or "all six directions"
    return (
        f"hand {request['hand']}, objects {', '.join(request['object'])}, gravity {gravity}, "
        f"10 Hz; trained on {request['engine']} with seed {request['seed']}. It claims nothing "
        "about other objects or hands until the benchmark is run on them."
    )


def _foresight(ranks: dict[str, str]) -> list[str]:
    told = [f"- {name}: {rank}" for name, rank in ranks.items()]
    title = "How often the foreseen risk is higher shortly before a drop than at another moment:"
    return [title, "", *told, ""] if told else []


def _expert_table(results: Sequence[dict[str, Any]]) -> list[str]:
    if not results:
        return []
    lines = [
        "## Expert",
        "",
        "| gravity | drops | time to drop [s] (95 %) | goals/min |",
        "| --- | --- | --- | --- |",
    ]
    for r in results:
        time, high = (
            f"{r[k]:.0f}" if r[k] is not None else "-" for k in ("time_to_drop", "longest")
        )
        lines.append(
            f"| {r['gravity']} | {r['drops']} | {time} ({r['shortest']:.0f}-{high}) "
            f"| {r['goals_per_minute']:.1f} |"
        )
    return [*lines, ""]


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue  # cut short by a kill
    return rows


def plot_runs(runs: Sequence[Path], path: Path) -> bool:
    """Draw reward, time to drop and goals of training runs one after the other."""
    from matplotlib.figure import Figure

    curves = [(run.name, _rows(run / "metrics.jsonl")) for run in runs]
    curves = [(name, rows) for name, rows in curves if rows]
    if not curves:
        return False
    figure = Figure(figsize=(9.6, 2.8), layout="constrained")
    columns = (
        ("reward", "reward a step"),
        ("time_to_drop", "time to drop [s]"),
        ("goals_per_minute", "goals a minute"),
    )
    for axis, (column, title) in zip(figure.subplots(1, 3), columns):
        for name, rows in curves:
            points = [(r["steps"] / 1e6, r[column]) for r in rows if column in r]
            axis.plot(*zip(*points), label=name)
        axis.set_title(title)
        axis.set_xlabel("million steps")
        axis.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=110)
    return True


def plot_losses(folder: Path, path: Path) -> bool:
    """Draw the losses of every training of the controller."""
    from matplotlib.figure import Figure

    found = [(p.parent.name, _rows(p)) for p in sorted(folder.glob("train*/metrics.jsonl"))]
    found = [(name, rows) for name, rows in found if rows]
    if not found:
        return False
    figure = Figure(figsize=(6.4, 2.8), layout="constrained")
    for axis, stage in zip(figure.subplots(1, 2), ("prior", "inverse")):
        for name, rows in found:
            points = [(row["step"], row["loss"]) for row in rows if row["stage"] == stage]
            if points:
                axis.plot(*zip(*points), label=name)
        axis.set_title(f"{stage} loss")
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=110)
    return True
