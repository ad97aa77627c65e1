"""Counts over simulated time: how long an object is held, how many goals are reached."""

from __future__ import annotations

import math
from collections.abc import Iterable


def drop_interval(drops: int, seconds: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of the mean time to drop [s].

    Drops are taken as a Poisson process; the interval is Garwood's exact one (Biometrika 1936),
    from quantiles of the chi-squared distribution. Without a drop the upper end is infinite.

    Args:
        drops: Number of drops.
        seconds: Simulated time [s].
        confidence: Share of such intervals that cover the truth.
    """
    from scipy.stats import chi2

    tail = 0.5 * (1.0 - confidence)
    most = float(chi2.ppf(1.0 - tail, 2 * drops + 2)) / 2.0
    fewest = float(chi2.ppf(tail, 2 * drops)) / 2.0 if drops else 0.0
    return seconds / most, (seconds / fewest if fewest > 0.0 else math.inf)


def time_to_drop(drops: int, seconds: float) -> float:
    """Return simulated time over drops [s]; infinite without a drop."""
    return seconds / drops if drops else math.inf


def drop_ratio(
    drops: int, seconds: float, other_drops: int, other_seconds: float, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return how many times longer the first holds than the second, with its interval.

    Given both counts of two Poisson processes, the share of the second is binomial; the interval
    is that share's exact one (Clopper and Pearson, Biometrika 1934).

    Args:
        drops: Drops of the first.
        seconds: Simulated time of the first [s].
        other_drops: Drops of the second.
        other_seconds: Simulated time of the second [s].
        confidence: Share of such intervals that cover the truth.

    Returns:
        Ratio of the times to drop and the ends of its interval; infinite where it is open.
    """
    from scipy.stats import beta

    tail, times = 0.5 * (1.0 - confidence), seconds / other_seconds
    low = float(beta.ppf(tail, other_drops, drops + 1)) if other_drops else 0.0
    high = float(beta.ppf(1.0 - tail, other_drops + 1, drops)) if drops else 1.0

    def odds(share: float) -> float:
        return times * share / (1.0 - share) if share < 1.0 else math.inf

    return (times * other_drops / drops if drops else math.inf), odds(low), odds(high)


def sum_interval(
    total: float, variance: float, degrees: int, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return the interval of a sum over independent parts; None where there is one part only.

    Args:
        total: The sum.
        variance: Its variance: the number of parts times the sample variance of a part.
        degrees: Degrees of freedom of that variance: the number of parts less that of means.
        confidence: Share of such intervals that cover the truth (Student's).
    """
    from scipy.stats import t

    if degrees < 1:
        return None
    reach = float(t.ppf(0.5 + 0.5 * confidence, degrees)) * math.sqrt(variance)
    return total - reach, total + reach


def merge_counts(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    """Add up counts by name."""
    total: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0.0) + value
    return total


def summarise(counts: dict[str, float]) -> dict[str, float]:
    """Turn counts of a window into rates.

    Args:
        counts: ``steps``, ``seconds``, ``drops``, ``goals`` and sums ``sum/NAME`` over steps.

    Returns:
        ``time_to_drop`` [s] (seconds of the window where nothing dropped), ``goals_per_minute``
        and the mean of each sum under its name.
    """
    seconds, steps = counts.get("seconds", 0.0), max(counts.get("steps", 0.0), 1.0)
    drops = counts.get("drops", 0.0)
    out = {
        "time_to_drop": seconds / max(drops, 1.0),
        "drops": drops,
        "goals_per_minute": 60.0 * counts.get("goals", 0.0) / max(seconds, 1e-9),
    }
    for name, value in counts.items():
        if name.startswith("sum/"):
            out[name.removeprefix("sum/")] = value / steps
    return out
