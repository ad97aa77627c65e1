"""Absolute deadlines: when the next tick is due, and how often one was late."""

from __future__ import annotations

import time
from collections import deque


class Pacer:
    """Spaces ticks evenly by the monotonic clock.

    Deadlines do not drift. A tick that starts more than half a period after its deadline is
    late, and so is each deadline that was missed altogether; missed ones are left out, never
    made up for by a burst.

    Args:
        period_ns: Time between ticks [ns].
        now_ns: The present time [monotonic ns].
    """

    def __init__(self, period_ns: int, now_ns: int) -> None:
        self.period_ns = period_ns
        self.late = 0
        self._due_ns = now_ns
        self._previous_ns = now_ns

    def restart(self, now_ns: int) -> None:
        """Begin anew after a wait that was meant, such as connecting."""
        self._due_ns = self._previous_ns = now_ns

    def begin(self, now_ns: int) -> int:
        """Note that a tick starts and set the next deadline.

        Returns:
            Time since the previous tick started [ns].
        """
        behind = now_ns - self._due_ns
        missed = max(behind, 0) // self.period_ns
        self.late += missed + int(behind - missed * self.period_ns > self.period_ns // 2)
        self._due_ns += (missed + 1) * self.period_ns
        since = now_ns - self._previous_ns
        self._previous_ns = now_ns
        return since

    def remaining_ns(self, now_ns: int) -> int:
        """Return the time to the next deadline [ns], negative if it has passed."""
        return self._due_ns - now_ns

    def wait(self) -> None:
        """Sleep until the next deadline."""
        remaining = self.remaining_ns(time.monotonic_ns())
        if remaining > 0:
            time.sleep(remaining * 1e-9)


class RealTimeFactor:
    """Simulated seconds a second over the last second."""

    def __init__(self) -> None:
        self._steps: deque[tuple[int, float]] = deque()
        self._seconds = 0.0

    def add(self, now_ns: int, seconds: float) -> float:
        """Note that ``seconds`` were simulated in the tick at ``now_ns``; return the factor."""
        self._steps.append((now_ns, seconds))
        self._seconds += seconds
        while now_ns - self._steps[0][0] > 1_000_000_000:
            self._seconds -= self._steps.popleft()[1]
        elapsed = (now_ns - self._steps[0][0]) * 1e-9
        return (self._seconds - self._steps[0][1]) / elapsed if elapsed > 0.0 else 1.0
