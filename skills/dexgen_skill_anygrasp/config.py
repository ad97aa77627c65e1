"""Settings of the AnyGrasp skill."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from dexgen_app.learn.environment_config import EnvironmentConfig


@dataclass(frozen=True, kw_only=True)
class RewardWeights:
    """Weights of the reward; its form is in ``reward.py``.

    Attributes:
        scale: Factor on everything.
        position: Decay of the goal term with the object's distance from its goal [1/m].
        angle: Decay of the goal term with its angle from the goal [1/rad].
        joint_goal: Penalty on half the squared distance of the targets from the goal's [1/rad^2].
        progress: Bonus on the way that the object comes nearer to its goal, in the distance of
            ``GoalOptions``.
        reached: Bonus for a goal.
        alive: Bonus for every step that holds the object.
        drop: Penalty for a drop.
        action: Penalty on the squared action.
        action_change: Penalty on the squared change of the action.
        work: Penalty on the mechanical power of the joints [1/W].
        torque: Penalty on the squared joint torques [1/(N m)^2].
        object_speed: Penalty on the object's speed [s/m].
        object_turn: Penalty on the object's angular speed [s/rad].
        tip_speed: Style: penalty on the summed speed of the fingertips [s/m].
    """

    scale: float = 0.3
    position: float = 40.0
    angle: float = 1.5
    joint_goal: float = 0.3
    progress: float = 8.0
    reached: float = 15.0
    alive: float = 0.3
    drop: float = 20.0
    action: float = 0.01
    action_change: float = 0.02
    work: float = 0.0
    torque: float = 0.0
    object_speed: float = 0.5
    object_turn: float = 0.05
    tip_speed: float = 0.0


LIVELY = RewardWeights(
    joint_goal=1.0,
    reached=30.0,
    drop=60.0,
    action_change=0.005,
    object_speed=0.05,
    object_turn=0.0,
)
STYLES: dict[str, RewardWeights] = {
    "default": RewardWeights(),
    "calm": RewardWeights(tip_speed=0.4, action_change=0.04, work=0.05),
    "lively": LIVELY,
    "steady": replace(LIVELY, reached=45.0, drop=120.0),
}
"""Reward weights by style: ``--set reward=lively``. ``default`` is for learning from nothing,
``lively`` for a second training, ``steady`` for a third."""


@dataclass(frozen=True, kw_only=True)
class AnyGraspConfig(EnvironmentConfig):
    """Settings of the AnyGrasp skill.

    Attributes:
        reward: Weights of the reward.
        goal_seconds: A goal that is not reached in this time is replaced [s].
        stuck_share: Share of the training episodes that start where another one had reached no
            goal for ``stuck_seconds``, so that ways out are learned; evaluations have none.
        stuck_seconds: Time without a goal after which an episode's state is kept for that [s].
    """

    presets: ClassVar[dict[str, dict[str, RewardWeights]]] = {"reward": STYLES}
    reward: RewardWeights = field(default_factory=RewardWeights)
    goal_seconds: float = 5.0
    stuck_share: float = 0.0
    stuck_seconds: float = 12.0

    def for_trials(self, **changes: Any) -> Self:
        """Return the settings without what only training does, and with some changed."""
        return super().for_trials(stuck_share=0.0, **changes)
