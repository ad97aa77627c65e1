"""Settings of the rotation skill."""

from __future__ import annotations

from dataclasses import dataclass, field

from dexgen_app.learn.environment import EnvironmentConfig


@dataclass(frozen=True, kw_only=True)
class RotationWeights:
    """Weights of the reward.

    Attributes:
        scale: Factor on everything.
        turn: Angular speed about the axis, up to ``RotateConfig.speed`` [s/rad].
        off_axis: Penalty on angular speed about other axes [s/rad].
        object_speed: Penalty on the object's speed [s/m].
        offset: Penalty on the object's distance from where it started [1/m].
        pose: Penalty on the squared distance of the joints from the start grasp [1/rad^2].
        action: Penalty on the squared action.
        action_change: Penalty on the squared change of the action.
        work: Penalty on the mechanical power of the joints [1/W].
        torque: Penalty on the squared joint torques [1/(N m)^2].
        alive: Bonus for every step that holds the object.
        drop: Penalty for a drop.
    """

    scale: float = 0.3
    turn: float = 4.0
    off_axis: float = 0.2
    object_speed: float = 1.0
    offset: float = 4.0
    pose: float = 0.02
    action: float = 0.005
    action_change: float = 0.01
    work: float = 0.1
    torque: float = 0.02
    alive: float = 0.3
    drop: float = 20.0


@dataclass(frozen=True, kw_only=True)
class RotateConfig(EnvironmentConfig):
    """Settings of the rotation skill.

    Attributes:
        reward: Weights of the reward.
        axes: Axes in the hand frame, of which an episode has one; +x points out of the palm.
        speed: Angular speed beyond which the reward grows no more [rad/s].
    """

    reward: RotationWeights = field(default_factory=RotationWeights)
    axes: tuple[tuple[float, ...], ...] = ((1.0, 0.0, 0.0),)
    speed: float = 1.0
