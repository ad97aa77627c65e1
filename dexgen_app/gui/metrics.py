"""Figures of a live session, computed from the rows of the state ring. No Qt here."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dexgen_app.live.row import STAGES

_TOTAL = STAGES.index("total")
_WINDOW_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the status bar shows; NaN where nothing is known.

    Attributes:
        state_hz: Rows a second.
        real_time_factor: Simulated time over real time.
        work_p95_ms: Time a tick takes.
        period_p95_ms: Time between two ticks.
        latency_p50_ms: Device sample to hand command, median.
        latency_p95_ms: The same, 95th percentile.
        late: Late ticks since the start.
        ticks: Ticks since the start.
        dropped: Rows that the window missed.
    """

    state_hz: float = float("nan")
    real_time_factor: float = float("nan")
    work_p95_ms: float = float("nan")
    period_p95_ms: float = float("nan")
    latency_p50_ms: float = float("nan")
    latency_p95_ms: float = float("nan")
    late: int = 0
    ticks: int = 0
    dropped: int = 0


class SessionMetrics:
    """Collects rows and computes figures over the last seconds, or over all of them."""

    def __init__(self, window_s: float = _WINDOW_S) -> None:
        self._window_ns = int(window_s * 1e9)
        self._samples: deque[tuple[int, int, int, int]] = deque()
        self._dropped = 0
        self._late = 0
        self._tick = 0
        self._first_late: int | None = None
        self._first_tick = 0
        self._factor = float("nan")

    def clear(self) -> None:
        """Forget everything."""
        self.__init__(self._window_ns / 1e9)  # type: ignore[misc]

    def add(self, rows: np.ndarray, dropped: int = 0) -> None:
        """Take rows of ``live.row.row_dtype`` and the number of rows missed before them."""
        self._dropped += int(dropped)
        if not len(rows):
            return
        if self._first_late is None:
            self._first_late, self._first_tick = int(rows["late"][0]), int(rows["tick"][0])
        stamps, periods = rows["stamp_ns"].tolist(), rows["period_ns"].tolist()
        works, totals = rows["work_ns"].tolist(), rows["latency_ns"][:, _TOTAL].tolist()
        self._samples.extend(zip(stamps, periods, works, totals))
        oldest = stamps[-1] - self._window_ns
        while self._samples and self._samples[0][0] < oldest:
            self._samples.popleft()
        self._late = int(rows["late"][-1])
        self._tick = int(rows["tick"][-1])
        self._factor = float(rows["real_time_factor"][-1])

    def figures(self) -> Figures:
        """Return the figures now."""
        if len(self._samples) < 2:
            return Figures(dropped=self._dropped)
        table = np.array(self._samples, dtype=np.int64)
        seconds = (table[-1, 0] - table[0, 0]) / 1e9
        latency = table[table[:, 3] > 0, 3] / 1e6
        known = len(latency) > 0
        return Figures(
            state_hz=(len(table) - 1) / seconds if seconds > 0 else float("nan"),
            real_time_factor=self._factor,
            work_p95_ms=float(np.percentile(table[:, 2], 95)) / 1e6,
            period_p95_ms=float(np.percentile(table[:, 1], 95)) / 1e6,
            latency_p50_ms=float(np.percentile(latency, 50)) if known else float("nan"),
            latency_p95_ms=float(np.percentile(latency, 95)) if known else float("nan"),
            late=self._late - (self._first_late or 0),
            ticks=self._tick - self._first_tick,
            dropped=self._dropped,
        )
