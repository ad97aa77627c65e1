"""Settings of the free-finger skill."""

from __future__ import annotations

from dataclasses import dataclass, field

from dexgen_app.learn.environment_config import EnvironmentConfig


@dataclass(frozen=True, kw_only=True)
class FreeFingerWeights:
    """Weights of the reward.

    Attributes:
        scale: Factor on everything.
        follow: Decay of the follow term with the free finger's distance from its target [1/rad].
        progress: Bonus on the way that the free finger comes nearer to its target [1/rad].
        reached: Bonus for a target.
        offset: Penalty on the object's distance from where it started [1/m].
        turn: Penalty on the object's angle from how it started [1/rad].
        alive: Bonus for every step that holds the object.
        drop: Penalty for a drop.
        action: Penalty on the squared action of the fingers that hold.
        action_change: Penalty on the squared change of the action.
    """

    scale: float = 0.3
    follow: float = 2.0
    progress: float = 8.0
    reached: float = 8.0
    offset: float = 10.0
    turn: float = 0.3
    alive: float = 0.3
    drop: float = 20.0
    action: float = 0.02
    action_change: float = 0.01


@dataclass(frozen=True, kw_only=True)
class FreeFingerConfig(EnvironmentConfig):
    """Settings of the free-finger skill.

    Attributes:
        reward: Weights of the reward.
        fingers: Names of the fingers that may be free; an episode has one of them.
        reach: Largest distance of a target from the finger's start pose in each joint [rad].
        tolerance: Largest joint error at which a target is reached [rad].
        target_seconds: A target that is not reached in this time is replaced [s].
    """

    reward: FreeFingerWeights = field(default_factory=FreeFingerWeights)
    fingers: tuple[str, ...] = ("index", "middle", "ring")
    reach: float = 0.6
    tolerance: float = 0.15
    target_seconds: float = 3.0
