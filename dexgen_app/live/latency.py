"""Percentiles of rates and latencies over the rows of a session."""

from __future__ import annotations

from typing import Any

import numpy as np

from dexgen_app.live.row import STAGES, Clip, SessionState

_COLUMNS = (
    "stamp_ns",
    "state",
    "sample_sequence",
    "latency_ns",
    "period_ns",
    "work_ns",
    "late",
    "real_time_factor",
    "drops",
)


class SessionStatistics:
    """Collects what a report needs; a row costs some 150 bytes.

    A device's sample that lasts for several ticks counts once, when it was new.
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[np.ndarray]] = {name: [] for name in _COLUMNS}
        self._clips = {flag.name or "": 0 for flag in Clip if flag}
        self._sent = 0
        self._joints = 0
        self._lost = 0
        self._rows = 0

    def add(self, rows: np.ndarray, lost: int = 0) -> None:
        """Take rows of the ring, and how many the reader missed before them.

        Rows from before a hand was connected do not count.
        """
        rows = rows[rows["state"] > SessionState.CONNECTING]
        self._lost += lost
        self._rows += len(rows)
        for name in _COLUMNS:
            self._parts[name].append(rows[name].copy())
        active = rows[rows["state"] == SessionState.ACTIVE]
        self._joints += active["clip"].size
        for flag in Clip:
            if flag:
                self._clips[flag.name or ""] += int((active["clip"] & flag > 0).sum())

    @property
    def samples(self) -> int:
        """Number of rows with a usable sample of the device so far."""
        return sum(int((part >= 0).sum()) for part in self._parts["sample_sequence"])

    @property
    def rows(self) -> int:
        """Number of rows so far."""
        return self._rows

    def report(self) -> dict[str, Any]:
        """Return rates, latencies, late ticks, drops and clips; plain data for JSON.

        Latencies are in [ms]; ``clips`` is the share of joint targets that each reason changed
        while the session was ACTIVE.
        """
        if self._rows == 0:
            return {"ticks": 0}
        columns = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        seconds = float(columns["stamp_ns"][-1] - columns["stamp_ns"][0]) * 1e-9
        late = int(columns["late"][-1] - columns["late"][0])
        fresh = _new_samples(columns["sample_sequence"])
        stages = {
            stage: percentiles(
                columns["latency_ns"][fresh, i]
                if stage in ("device", "total")
                else columns["latency_ns"][:, i]
            )
            for i, stage in enumerate(STAGES)
        }
        factor = float(np.median(columns["real_time_factor"]))
        return {
            "ticks": self._rows,
            "seconds": round(float(seconds), 3),
            "active_seconds": round(
                float((columns["state"] == SessionState.ACTIVE).mean() * seconds), 3
            ),
            "rate_hz": round((self._rows - 1) / seconds, 2) if seconds > 0 else 0.0,
            "samples_hz": round(float(fresh.sum()) / seconds, 2) if seconds > 0 else 0.0,
            "real_time_factor": round(factor, 3),
            "late_ticks": late,
            "late_percent": round(min(100.0 * late / self._rows, 100.0), 3),
            "rows_lost": self._lost,
            "object_drops": int(columns["drops"][-1] - columns["drops"][0]),
            "period_ms": percentiles(columns["period_ns"]),
            "work_ms": percentiles(columns["work_ns"]),
            "latency_ms": stages,
            "clips_percent": {
                name.lower(): round(100.0 * count / max(self._joints, 1), 3)
                for name, count in self._clips.items()
            },
        }


def _new_samples(sequences: np.ndarray) -> np.ndarray:
    """Return which rows are the first with their sample."""
    return (np.diff(sequences, prepend=-1) != 0) & (sequences >= 0)


def percentiles(nanoseconds: np.ndarray) -> dict[str, float | None]:
    """Return median, 95th percentile and maximum [ms]; negative values are left out."""
    values = nanoseconds[nanoseconds >= 0] * 1e-6
    if not len(values):
        return {"p50": None, "p95": None, "max": None}
    p50, p95 = np.percentile(values, (50, 95))
    return {
        "p50": round(float(p50), 4),
        "p95": round(float(p95), 4),
        "max": round(float(values.max()), 4),
    }


def format_report(report: dict[str, Any]) -> str:
    """Return a report as lines for a terminal."""
    if not report.get("ticks"):
        return "no ticks"
    lines = [
        f"{report['ticks']} ticks at {report['rate_hz']:.1f} Hz, "
        f"{report['late_ticks']} late ({report['late_percent']:.2f} %), "
        f"real-time factor {report['real_time_factor']:.2f}",
        f"{report['samples_hz']:.1f} device samples a second, "
        f"{report['object_drops']} object drops, {report['rows_lost']} rows lost",
        f"{'latency [ms]':<14}{'p50':>9}{'p95':>9}{'max':>9}",
    ]
    stages = {**report["latency_ms"], "tick": report["work_ms"], "period": report["period_ms"]}
    for stage, values in stages.items():
        cells = ("-" if v is None else f"{v:.3f}" for v in values.values())
        lines.append(f"  {stage:<12}" + "".join(f"{cell:>9}" for cell in cells))
    clips = {k: v for k, v in report["clips_percent"].items() if v}
    told = ", ".join(f"{name} {value:.2f} %" for name, value in clips.items())
    lines.append(f"clipped targets: {told or 'none'}")
    return "\n".join(lines)
