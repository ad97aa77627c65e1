"""Time to drop and its interval."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dexgen_app.learn.statistics import (
    drop_interval,
    drop_ratio,
    merge_counts,
    summarise,
    time_to_drop,
)


def test_interval_of_known_counts() -> None:
    # Garwood's interval of a count of 10 is 4.795 to 18.39; of 0 it is 0 to 3.689.
    assert drop_interval(10, 1000.0) == pytest.approx((1000 / 18.39, 1000 / 4.795), rel=1e-3)
    shortest, longest = drop_interval(0, 600.0)
    assert shortest == pytest.approx(600 / 3.689, rel=1e-3)
    assert math.isinf(longest) and math.isinf(time_to_drop(0, 600.0))


def test_interval_covers_the_truth_as_often_as_it_claims() -> None:
    drops = np.random.default_rng(0).poisson(1000.0 / 80.0, 2000)
    covered = [low <= 80.0 <= high for low, high in (drop_interval(int(d), 1000.0) for d in drops)]
    assert 0.94 < np.mean(covered) < 0.985


def test_summary_of_merged_counts() -> None:
    part = {"steps": 50.0, "seconds": 5.0, "drops": 1.0, "goals": 3.0, "sum/reward": 10.0}
    summary = summarise(merge_counts([part, part]))
    assert summary["time_to_drop"] == pytest.approx(5.0)
    assert summary["goals_per_minute"] == pytest.approx(36.0)
    assert summary["reward"] == pytest.approx(0.2)


def test_a_ratio_covers_the_truth_in_most_draws() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        a, b = int(random.poisson(6.0)), int(random.poisson(60.0))
        ratio, low, high = drop_ratio(a, 1200.0, b, 1200.0)
        assert low < ratio <= high
        covered += low <= 10.0 <= high
    assert covered >= 0.93 * 300
