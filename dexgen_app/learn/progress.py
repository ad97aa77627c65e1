"""Where a job stands: done, total, rate, time left; on one line and as a table of values."""

from __future__ import annotations

import time
from typing import Any


class Progress:
    """Follows a job that counts its work.

    Args:
        total: Amount of work.
        unit: What is counted, as on the screen.
        done: Amount that was done before.
    """

    def __init__(self, total: int, unit: str, done: int = 0) -> None:
        self.total, self.unit = total, unit
        self.done = done
        self._first = done
        self._start = time.monotonic_ns()
        self._rate = 0.0
        self._mark = (self._start, done)

    def advance(self, done: int) -> None:
        """Note that ``done`` is done in all."""
        now = time.monotonic_ns()
        then, before = self._mark
        seconds = 1e-9 * (now - then)
        if seconds > 0.0:
            recent = (done - before) / seconds
            # An average over about ten reports follows a machine whose load changes.
            self._rate = recent if self._rate == 0.0 else 0.9 * self._rate + 0.1 * recent
        self._mark = (now, done)
        self.done = done

    @property
    def rate(self) -> float:
        """Work per second, averaged over the last reports."""
        return self._rate

    @property
    def seconds_left(self) -> float:
        """Time that the rest will take [s]; 0 as long as nothing is known."""
        return max(0.0, (self.total - self.done) / self._rate) if self._rate > 0.0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return ``done``, ``total``, ``unit``, ``rate`` and ``seconds_left``."""
        return {
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "rate": self.rate,
            "seconds_left": self.seconds_left,
        }

    def line(self) -> str:
        """Return the progress as one line of text."""
        share = 100.0 * self.done / max(self.total, 1)
        return (
            f"{format_count(self.done)} of {format_count(self.total)} {self.unit} ({share:.0f} %), "
            f"{self.rate:,.0f} a second, {format_seconds(self.seconds_left)} left"
        )


def format_count(count: int) -> str:
    """Return a count as ``950``, ``12.3 k`` or ``1.25 M``."""
    if count >= 1_000_000:
        return f"{count / 1e6:.2f} M"
    if count >= 10_000:
        return f"{count / 1e3:.1f} k"
    return str(count)


def format_seconds(seconds: float) -> str:
    """Return a duration as ``45 s``, ``12 min`` or ``3 h 05 min``."""
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60.0)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
