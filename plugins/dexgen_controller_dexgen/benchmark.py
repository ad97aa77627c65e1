"""The corrupted-expert benchmark: how long is an object held, how many goals are reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from dexgen_app.kinematics.batched import BatchedKinematics
from dexgen_app.learn.environment import HandEnvironment, Snapshot, StepResult
from dexgen_app.learn.statistics import (
    drop_interval,
    drop_ratio,
    sum_interval,
    summarise,
    time_to_drop,
)
from dexgen_controller_dexgen.commanders import Commander, commanded_offset
from dexgen_controller_dexgen.policy import GuidedPolicy

Watch = Callable[[Snapshot, torch.Tensor, StepResult], None]
"""Sees each step: the hands' state and joint targets [rad] before it, and what came of it."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the table.

    Attributes:
        commander: Who commanded.
        controller: ``raw`` or ``dexgen``.
        strength: Guidance strength.
        seconds: Simulated time [s].
        drops: Objects lost.
        goals: Goals reached.
        cosine: Mean cosine between commanded and realised fingertip motion.
        seeds: Seeds of the runs that it counts together.
        hands: Hands side by side, of all runs; 0 where a skill does not tell whose goals those are.
        goals_variance: Variance of ``goals``, from how the hands of each run differ.
        measures: Means of what the skill measures beside drops and goals, by name and unit.
    """

    commander: str
    controller: str
    strength: float
    seconds: float
    drops: int
    goals: int
    cosine: float
    seeds: tuple[int, ...] = (0,)
    hands: int = 0
    goals_variance: float = 0.0
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def time_to_drop(self) -> float:
        """Simulated time over drops [s]."""
        return time_to_drop(self.drops, self.seconds)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the time to drop [s]."""
        return drop_interval(self.drops, self.seconds)

    @property
    def goals_per_minute(self) -> float:
        """Goals reached in a simulated minute."""
        return 60.0 * self.goals / self.seconds

    @property
    def goals_interval(self) -> tuple[float, float] | None:
        """95 % interval of the goals a minute; None where it is not known how hands differ.

        Hands are independent of each other, goals of a hand are not: one that stands reaches none.
        """
        degrees = self.hands - len(self.seeds)
        found = sum_interval(self.goals, self.goals_variance, degrees)
        return found and (60.0 * max(found[0], 0.0) / self.seconds, 60.0 * found[1] / self.seconds)

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain values; infinite ones as None."""
        low, high = self.interval
        figures = {"time_to_drop": self.time_to_drop, "low": low, "high": high}
        finite = {k: (v if v != float("inf") else None) for k, v in figures.items()}
        return {**asdict(self), **finite, "goals_per_minute": self.goals_per_minute}


def run_cell(
    environment: HandEnvironment,
    commander: Commander,
    *,
    name: str,
    seconds: float,
    policy: GuidedPolicy | None = None,
    strength: float = 0.0,
    seed: int = 0,
    watch: Watch | None = None,
) -> Cell:
    """Let a commander drive the hands, alone or through the controller.

    Args:
        environment: The hands; its episodes are the trials.
        commander: Who commands.
        name: The commander's name in the table.
        seconds: Simulated time over all hands [s].
        policy: The controller; None sends the commands straight to the hand.
        strength: Guidance strength.
        seed: Seed that environment and commander were made with, for the table.
        watch: Is shown every step.
    """
    sites = _keypoint_kinematics(environment)
    tips = slice(len(environment.hand.fingers), None)
    scale = environment.config.action_scale
    observation = environment.reset()["policy"]
    environment.drain_counts()
    reached = environment.goals_reached.clone()
    if policy is not None:
        policy.reset()
    steps = max(1, round(seconds / (environment.count * environment.step_seconds)))
    cosines = []
    for _ in range(steps):
        command = commander.act(environment, observation)
        joints = environment.state.joints
        offset = commanded_offset(sites.positions, joints, scale * command)
        action = command
        if policy is not None:
            policy.observe(environment.state.tips, joints, environment.target)
            action = policy.act(scale * command, strength)[0] / scale
        before = sites.positions(joints)
        state, target = environment.state, environment.target
        result = environment.step(action)
        if watch is not None:
            watch(state, target, result)
        moved = sites.positions(environment.state.joints) - before
        going_on = ~result.done
        cosines.append(
            torch.nn.functional.cosine_similarity(
                moved[going_on][:, tips].flatten(1), offset[going_on][:, tips].flatten(1)
            ).mean()
        )
        commander.restart(result.done)
        if policy is not None:
            policy.reset(result.done)
        observation = result.observations["policy"]
    counts = environment.drain_counts()
    means = summarise(counts)
    by_hand = (environment.goals_reached - reached).double()
    goals = int(counts.get("goals", 0.0))
    told = int(by_hand.sum()) == goals
    return Cell(
        commander=name,
        controller="raw" if policy is None else "dexgen",
        strength=strength,
        seconds=counts["seconds"],
        drops=int(counts["drops"]),
        goals=goals,
        cosine=float(torch.stack(cosines).nanmean()),
        seeds=(seed,),
        hands=environment.count if told else 0,
        goals_variance=float(environment.count * by_hand.var()) if environment.count > 1 else 0.0,
        measures={f"{k} [{unit}]": means[k] for k, unit in environment.measures.items()},
    )


def pool_cells(cells: list[Cell]) -> list[Cell]:
    """Count together the cells that differ in their seeds only, in their first order."""
    groups: dict[tuple[str, str, float], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(_kind(cell), []).append(cell)
    return [
        Cell(
            commander=commander,
            controller=controller,
            strength=strength,
            seconds=sum(c.seconds for c in group),
            drops=sum(c.drops for c in group),
            goals=sum(c.goals for c in group),
            cosine=_mean(group, [c.cosine for c in group]),
            seeds=tuple(seed for c in group for seed in c.seeds),
            hands=sum(c.hands for c in group),
            goals_variance=sum(c.goals_variance for c in group),
            measures={k: _mean(group, [c.measures[k] for c in group]) for k in group[0].measures},
        )
        for (commander, controller, strength), group in groups.items()
    ]


def _mean(cells: list[Cell], values: list[float]) -> float:
    """Return the mean over the cells' simulated time."""
    return sum(c.seconds * v for c, v in zip(cells, values)) / sum(c.seconds for c in cells)


def _keypoint_kinematics(environment: HandEnvironment) -> BatchedKinematics:
    from dexgen_app.kinematics.model import HandModel

    hand = environment.hand
    return BatchedKinematics(HandModel(hand).mj_model, hand.joint_names, hand.keypoint_sites)


def format_table(cells: list[Cell]) -> str:
    """Return the cells as a Markdown table; times are also given as multiples of the raw ones."""
    measures = list(cells[0].measures)
    lines = [
        "| command | controller | guidance | time to drop [s] (95 %) | x raw (95 %) | drops "
        f"| goals/min (95 %) | cos |{''.join(f' {name} |' for name in measures)}",
        "| --- | --- | --- | --- | --- | --- | --- | --- |" + " --- |" * len(measures),
    ]
    raw = {cell.commander: cell for cell in cells if cell.controller == "raw"}
    for cell in cells:
        low, high = cell.interval
        alone = cell.controller == "raw"
        lines.append(
            f"| {cell.commander} | {cell.controller} | {'-' if alone else f'{cell.strength:g}'} "
            f"| {cell.time_to_drop:.1f} ({low:.1f}-{high:.1f}) "
            f"| {'-' if alone else _multiple(cell, raw.get(cell.commander))} "
            f"| {cell.drops} | {_goals(cell)} | {cell.cosine:.2f} |"
            f"{''.join(f' {cell.measures[name]:.2f} |' for name in measures)}"
        )
    return "\n".join(lines)


def format_seeds(cells: list[Cell]) -> str:
    """Return time to drop and goals a minute of each seed as a Markdown table."""
    seeds = sorted({seed for cell in cells for seed in cell.seeds})
    titles = [f"seed {seed}: s, goals/min" for seed in seeds]
    lines = [
        f"| command | controller | guidance | {' | '.join(titles)} |",
        "| --- | --- | --- |" + " --- |" * len(seeds),
    ]
    for pooled in pool_cells(cells):
        alone = pooled.controller == "raw"
        row = [pooled.commander, pooled.controller, "-" if alone else f"{pooled.strength:g}"]
        for seed in seeds:
            one = next(c for c in cells if c.seeds == (seed,) and _kind(c) == _kind(pooled))
            row.append(f"{one.time_to_drop:.1f}, {one.goals_per_minute:.1f}")
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _kind(cell: Cell) -> tuple[str, str, float]:
    return cell.commander, cell.controller, cell.strength


def _goals(cell: Cell) -> str:
    interval = cell.goals_interval
    spread = f" ({interval[0]:.1f}-{interval[1]:.1f})" if interval else ""
    return f"{cell.goals_per_minute:.1f}{spread}"


def _multiple(cell: Cell, raw: Cell | None) -> str:
    if raw is None:
        return "-"
    ratio, low, high = drop_ratio(cell.drops, cell.seconds, raw.drops, raw.seconds)
    return f"{ratio:.1f} ({low:.1f}-{high:.1f})"
