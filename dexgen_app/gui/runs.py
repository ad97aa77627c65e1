"""What the Train panel knows of training runs: where they stand, and their curves. No Qt."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dexgen_app.learn.progress import format_count, format_seconds
from dexgen_app.learn.run_folder import RunFolder, list_runs

MAX_POINTS = 2000
METRICS = {
    "reward": ("Reward a step", ""),
    "time_to_drop": ("Time to drop", "s"),
    "goals_per_minute": ("Goals a minute", ""),
    "divergence": ("KL divergence", ""),
    "steps_per_second": ("Steps a second", ""),
}
_BUSY = ("running", "paused")


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """Where a run stands.

    Attributes:
        name: Name of its folder.
        skill: Skill that is trained.
        state: ``starting``, ``running``, ``paused``, ``stopped``, ``failed``, ``killed``, ``done``,
            or ``new`` for one that never ran.
        asked: What was asked of it and is not done yet: ``pause``, ``stop`` or nothing.
        done: Environment steps that are done.
        total: Environment steps in all.
        rate: Environment steps per second.
        seconds_left: Time that the rest will take [s].
    """

    name: str
    skill: str = ""
    state: str = "new"
    asked: str = ""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    seconds_left: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether a process works on it."""
        return self.state in ("starting", *_BUSY)

    @property
    def resumable(self) -> bool:
        """Whether it can go on."""
        return self.state in ("paused", "stopped", "failed", "killed", "new")

    @property
    def fraction(self) -> float:
        """Share that is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    def line(self) -> str:
        """Return where it stands as one line."""
        text = f"{format_count(self.done)} of {format_count(self.total)} steps"
        if self.state == "running":
            text += f", {self.rate:,.0f} a second"
            if self.seconds_left > 0.0:
                text += f", {format_seconds(self.seconds_left)} left"
        return text


def read_status(folder: RunFolder, started: int = 0) -> RunStatus:
    """Read where a run stands.

    Args:
        folder: The run.
        started: Process that was started for it, 0 if none is known.
    """
    config = folder.read_json("config.json") or {}
    progress = folder.read_json("progress.json") or {}
    state = str(progress.get("state", "new"))
    pid = int(progress.get("pid", 0))
    if started and pid != started and is_alive(started):
        state = "starting"
    elif state in _BUSY and not is_alive(pid):
        state = "killed"
    elif state == "new" and started:
        state = "failed"
    return RunStatus(
        name=folder.path.name,
        skill=str(config.get("skill", "")),
        state=state,
        asked=folder.request() if state in _BUSY else "",
        done=int(progress.get("done", 0)),
        total=int(progress.get("total", 0) or config.get("steps", 0)),
        rate=float(progress.get("rate", 0.0)),
        seconds_left=float(progress.get("seconds_left", 0.0)),
    )


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is no zombie."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True


class Curves:
    """The metrics of one run, read as its file grows.

    Args:
        path: The ``metrics.jsonl``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rows: list[tuple[float, ...]] = []

    def update(self) -> None:
        """Read what was added; a line that is not complete yet is left for the next time."""
        try:
            size = self._path.stat().st_size
            if size < self._offset:
                self._offset, self._rows = 0, []
            if size == self._offset:
                return
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return
        end = data.rfind(b"\n") + 1
        self._offset += end
        for line in data[:end].splitlines():
            try:
                self._add(json.loads(line))
            except (ValueError, TypeError, AttributeError):
                continue

    def _add(self, row: dict[str, Any]) -> None:
        steps = float(row["steps"]) if "steps" in row else float("nan")
        if not np.isfinite(steps):
            return
        while self._rows and self._rows[-1][0] >= steps:  # the run went on from a checkpoint
            self._rows.pop()
        self._rows.append((steps, *(float(row.get(name, "nan")) for name in METRICS)))

    def points(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """Return environment steps and values, both of shape (n,), at most ``MAX_POINTS``."""
        rows = self._rows
        step = -(-len(rows) // MAX_POINTS) if rows else 1
        # Counted from the end: the newest point is always there.
        chosen = rows[::-1][::step][::-1]
        table = np.array(chosen, float).reshape(len(chosen), 1 + len(METRICS))
        values = table[:, 1 + list(METRICS).index(metric)]
        known = np.isfinite(values)
        return table[known, 0], values[known]


Snapshot = tuple[list[RunStatus], dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]]


class RunReader:
    """Reads all runs at once; used from one thread at a time."""

    def __init__(self) -> None:
        self._curves: dict[str, Curves] = {}

    def read(self, chosen: Iterable[str], started: dict[str, int]) -> Snapshot:
        """Return where every run stands, newest first, and the curves of the chosen ones.

        Args:
            chosen: Names of runs.
            started: Processes that the window started, by the run's name.
        """
        folders = list_runs()
        known = {folder.path.name for folder in folders}
        waiting = [RunFolder.named(name) for name in started if name not in known]
        statuses = [
            read_status(folder, started.get(folder.path.name, 0)) for folder in folders + waiting
        ]
        curves = {}
        for folder in folders:
            name = folder.path.name
            if name in set(chosen):
                own = self._curves.setdefault(name, Curves(folder.path / "metrics.jsonl"))
                own.update()
                curves[name] = {metric: own.points(metric) for metric in METRICS}
        return statuses[::-1], curves
