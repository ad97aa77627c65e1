"""Settings that the environments of all skills have."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

from dexgen_app.learn.goals import GoalOptions
from dexgen_app.learn.randomisation import Randomisation
from dexgen_app.sim.world import PhysicsOptions
from dexgen_app.spec import ObjectSpec


@dataclass(frozen=True, kw_only=True)
class EnvironmentConfig:
    """Settings that every skill has.

    Attributes:
        objects: Objects, dealt out to the environments in equal blocks.
        control_hz: Rate of actions [Hz].
        physics: Physics settings.
        action_scale: Change of the joint targets at an action of 1 [rad].
        episode_seconds: Episodes are cut after this time [s].
        stall_seconds: Training episodes that make no progress for this time end as if they had
            failed, so that time is spent where something is learned; 0 never ends them [s]. Needs
            a skill that tells progress; evaluations never do it.
        retry_share: Share of the training episodes that drop in their first ``retry_seconds``
            which start again in the same grasp under the same gravity, so that the grasps that
            are hard to leave are met more often; evaluations never do it.
        retry_seconds: What counts as the start of an episode there [s].
        disturbance: Largest half width of the uniform noise on the actions in training, which are
            bounded by 1, so that states are met where a shaking commander leads. Each environment
            draws its own half width and another one every few seconds; evaluations have none.
        gravity: Directions in which gravity points, keys of ``GRAVITY_DIRECTIONS``.
        gravity_tilt: Largest random tilt from that direction [rad].
        wrist_speed: Largest speed at which the wrist turns gravity [rad/s].
        drop_distance: The object is dropped farther than this from the grasp centre [m].
        lowest: The object is dropped below this height over the palm's frame, along x [m].
        goals: How start grasps and goals are drawn.
        randomisation: Domain randomisation.
        stiffness: Proportional gain of the joints [N m/rad].
        damping: Derivative gain of the joints [N m s/rad].
    """

    objects: tuple[ObjectSpec, ...] = (ObjectSpec(),)
    control_hz: float = 10.0
    physics: PhysicsOptions = field(default_factory=lambda: PhysicsOptions(substeps=1))
    action_scale: float = 0.1
    episode_seconds: float = 30.0
    stall_seconds: float = 0.0
    retry_share: float = 0.0
    retry_seconds: float = 3.0
    disturbance: float = 0.0
    gravity: tuple[str, ...] = ("palm_up",)
    gravity_tilt: float = 0.35
    wrist_speed: float = 0.0
    drop_distance: float = 0.07
    lowest: float = 0.0
    goals: GoalOptions = field(default_factory=GoalOptions)
    randomisation: Randomisation = field(default_factory=Randomisation)
    stiffness: float = 3.0
    damping: float = 0.1

    def for_trials(self, **changes: Any) -> Self:
        """Return the settings without what only training does, and with some changed."""
        return replace(self, stall_seconds=0.0, retry_share=0.0, disturbance=0.0, **changes)
