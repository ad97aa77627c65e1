"""The guard finds non-finite environments, writes the first one down and gives up at its limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dexgen_app.errors import SimulationError
from dexgen_app.learn.guard import FiniteGuard


def _values(step: float) -> dict[str, torch.Tensor]:
    return {"joints": torch.full((3, 2), step), "reward": torch.full((3,), step)}


def test_finite_steps_write_nothing(tmp_path: Path) -> None:
    guard = FiniteGuard(tmp_path)
    assert not guard.check(_values(1.0)).any()
    assert guard.path is None and not list(tmp_path.iterdir())


def test_first_bad_environment_is_written_with_its_history(tmp_path: Path) -> None:
    guard = FiniteGuard(tmp_path, history=3)
    for step in range(5):
        guard.check(_values(float(step)))
    bad = _values(5.0)
    bad["reward"][1] = float("nan")
    assert guard.check(bad).tolist() == [False, True, False]
    assert guard.path is not None
    with np.load(guard.path) as dump:
        assert int(dump["environment"]) == 1
        assert dump["joints"][:, 0].tolist() == [3.0, 4.0, 5.0]
        assert np.isnan(dump["reward"][-1])
    worse = _values(6.0)
    worse["joints"][2, 0] = float("inf")
    assert guard.check(worse).tolist() == [False, False, True]
    assert len(list(tmp_path.iterdir())) == 1


def test_too_many_bad_steps_stop_the_run(tmp_path: Path) -> None:
    guard = FiniteGuard(tmp_path, limit=2)
    bad = _values(float("nan"))
    with pytest.raises(SimulationError, match="3 environment steps"):
        guard.check(bad)
