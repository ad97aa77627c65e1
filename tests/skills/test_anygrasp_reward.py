"""Each part of the AnyGrasp reward, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from dexgen_skill_anygrasp.config import RewardWeights
from dexgen_skill_anygrasp.reward import RewardInput, reward_terms

REST = RewardInput(
    distance=torch.zeros(1),
    angle=torch.zeros(1),
    progress=torch.zeros(1),
    target_error=torch.zeros(1, 2),
    reached=torch.zeros(1, dtype=torch.bool),
    dropped=torch.zeros(1, dtype=torch.bool),
    action=torch.zeros(1, 2),
    previous=torch.zeros(1, 2),
    velocity=torch.zeros(1, 2),
    torque=torch.zeros(1, 2),
    twist=torch.zeros(1, 6),
    tip_speed=torch.zeros(1, 4),
)
WEIGHTS = RewardWeights(work=0.5, torque=2.0, tip_speed=3.0)


def _term(name: str, **changes: torch.Tensor) -> float:
    return float(reward_terms(replace(REST, **changes), WEIGHTS)[name][0])


def test_at_the_goal_at_rest() -> None:
    terms = reward_terms(REST, WEIGHTS)
    assert {name: float(value[0]) for name, value in terms.items()} == pytest.approx(
        {"goal": 1.0, "hold": 0.3, "style": 0.0, "regularisation": 0.0}
    )


def test_goal_decays_with_distance_and_angle() -> None:
    goal = _term("goal", distance=torch.tensor([0.05]), angle=torch.tensor([0.4]))
    assert goal == pytest.approx(math.exp(-40 * 0.05 - 1.5 * 0.4))


def test_goal_bonus_and_joint_error() -> None:
    goal = _term("goal", reached=torch.tensor([True]), target_error=torch.tensor([[0.3, -0.4]]))
    assert goal == pytest.approx(1.0 + 15.0 - 0.5 * 0.3 * 0.25)


def test_coming_nearer_pays() -> None:
    assert _term("goal", progress=torch.tensor([0.25])) == pytest.approx(1.0 + 8.0 * 0.25)


def test_a_drop_costs() -> None:
    assert _term("hold", dropped=torch.tensor([True])) == pytest.approx(-20.0)


def test_regularisation() -> None:
    value = _term(
        "regularisation",
        action=torch.tensor([[0.5, 0.0]]),
        previous=torch.tensor([[0.0, 0.5]]),
        velocity=torch.tensor([[2.0, -1.0]]),
        torque=torch.tensor([[0.1, 0.3]]),
        twist=torch.tensor([[0.3, 0.4, 0.0, 0.0, 0.0, 2.0]]),
    )
    expected = -0.01 * 0.25 - 0.02 * 0.5 - 0.5 * abs(0.2 - 0.3) - 2.0 * 0.1 - 0.5 * 0.5 - 0.05 * 2
    assert value == pytest.approx(expected)


def test_style_penalises_tip_speed() -> None:
    assert _term("style", tip_speed=torch.tensor([[0.1, 0.2, 0.0, 0.1]])) == pytest.approx(-1.2)
