"""Settings of the rotation skill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dexgen_app.learn.environment_config import EnvironmentConfig
from dexgen_app.learn.goals import GoalOptions

NextGraspKind = Literal["start", "near"]


@dataclass(frozen=True, kw_only=True)
class RotationWeights:
    """Weights of the reward; its form is in ``reward.py``.

    Attributes:
        scale: Factor on everything.
        turn: Angular speed about the axis, up to ``RotateConfig.speed`` [s/rad].
        goal: Bonus for being near the next grasp, decaying with distance and tilt.
        position: Decay of that bonus with the object's distance from it [1/m].
        tilt: Decay of that bonus with the object's tilt away from it [1/rad].
        joint_progress: Bonus on the way that the targets come nearer to its [1/rad].
        joint_goal: Penalty on half the squared distance of the targets from its [1/rad^2].
        off_axis: Penalty on angular speed about other axes [s/rad].
        object_speed: Penalty on the object's speed [s/m].
        action: Penalty on the squared action.
        action_change: Penalty on the squared change of the action.
        work: Penalty on the mechanical power of the joints [1/W].
        torque: Penalty on the squared joint torques [1/(N m)^2].
        alive: Bonus for every step that holds the object.
        drop: Penalty for a drop.
    """

    scale: float = 0.3
    turn: float = 12.0
    goal: float = 1.0
    position: float = 40.0
    tilt: float = 1.5
    joint_progress: float = 0.0
    joint_goal: float = 3.0
    off_axis: float = 2.0
    object_speed: float = 0.1
    action: float = 0.01
    action_change: float = 0.005
    work: float = 0.0
    torque: float = 0.0
    alive: float = 0.1
    drop: float = 20.0


@dataclass(frozen=True, kw_only=True)
class RotateConfig(EnvironmentConfig):
    """Settings of the rotation skill.

    Attributes:
        reward: Weights of the reward.
        axes: Axes in the hand frame, of which an episode has one; +x points out of the palm.
        speed: Angular speed beyond which the reward grows no more [rad/s].
        next_grasp: Where the next grasp's fingers are: where the episode started (``start``), as
            in HORA (arXiv 2210.04887), so that each finger has to come back after its way with the
            object; or in a verified grasp near to the present one (``near``), which is where the
            fingers already are.
        lead: Angle by which the next grasp is ahead about the axis [rad].
        passed: The next grasp is replaced when less than this is left [rad], or when
            ``goal_seconds`` are over.
        goal_seconds: Longest time for one grasp [s].
        recentre: Share of the way to the middle of the grasps by which a ``near`` one should move
            the object.
        start_tilt: Starts and goals have one of the object's axes within this angle of the axis
            of rotation [rad].
    """

    episode_seconds: float = 20.0
    goals: GoalOptions = field(default_factory=lambda: GoalOptions(neighbours=5, angle_weight=3.0))
    reward: RotationWeights = field(default_factory=RotationWeights)
    axes: tuple[tuple[float, ...], ...] = ((1.0, 0.0, 0.0),)
    speed: float = 0.7
    next_grasp: NextGraspKind = "start"
    lead: float = 0.5
    passed: float = 0.2
    goal_seconds: float = 3.0
    recentre: float = 0.5
    start_tilt: float = 0.35
