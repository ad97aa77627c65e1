"""Domain randomisation of a batch of environments.

Source of the default ranges: DexterityGen (arXiv 2502.04307), table III. The random force is drawn
as in HORA (arXiv 2210.04887): a normal distribution times the object's mass. Object sizes are
varied by training on several objects.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dexgen_app.sim.world import World


@dataclass(frozen=True, kw_only=True)
class Randomisation:
    """What is varied; a pair is a uniform range, a single value a standard deviation.

    Attributes:
        enabled: Whether anything is varied.
        mass: Object mass [kg].
        object_friction: Sliding friction of the object.
        hand_friction: Sliding friction of the hand.
        stiffness: Factor on the proportional gain.
        damping: Factor on the derivative gain.
        force_scale: Random force over object mass [m/s^2].
        force_probability: Chance of a new random force at each control step.
        force_decay: Factor on the force at each control step without a new one.
        start_joint: Largest error of the start pose [rad], uniform.
        joint_noise: Noise of observed joint positions at each step [rad].
        joint_bias: Bias of observed joint positions, drawn each episode [rad].
        action_noise: Noise of the action, which is bounded by 1.
    """

    enabled: bool = False
    mass: tuple[float, float] = (0.03, 0.25)
    object_friction: tuple[float, float] = (0.5, 1.2)
    hand_friction: tuple[float, float] = (0.5, 1.2)
    stiffness: tuple[float, float] = (0.8, 1.1)
    damping: tuple[float, float] = (0.7, 1.2)
    force_scale: float = 2.0
    force_probability: float = 0.2
    force_decay: float = 0.99
    start_joint: float = 0.05
    joint_noise: float = 0.025
    joint_bias: float = 0.005
    action_noise: float = 0.05


class Randomiser:
    """Keeps the drawn values of each environment and applies them to a world.

    Args:
        options: What is varied.
        world: The world.
        mass: Nominal object masses [kg], shape (N,).
        friction: Nominal object friction, shape (N,).
        stiffness: Nominal proportional gain [N m/rad].
        damping: Nominal derivative gain [N m s/rad].
        generator: Source of randomness.
    """

    def __init__(
        self,
        options: Randomisation,
        world: World,
        *,
        mass: torch.Tensor,
        friction: torch.Tensor,
        stiffness: float,
        damping: float,
        generator: torch.Generator,
    ) -> None:
        self.options = options
        self._world = world
        self._generator = generator
        count = len(mass)
        self._joint_count = world.options.hand.joint_count
        self._gains = (stiffness, damping)
        self.mass = mass.clone()
        self.object_friction = friction.clone()
        self.hand_friction = torch.ones(count)
        self.gain_factors = torch.ones(count, 2)
        self.joint_bias = torch.zeros(count, self._joint_count)
        self.force = torch.zeros(count, 3)

    def _uniform(self, bounds: tuple[float, float], count: int) -> torch.Tensor:
        low, high = bounds
        return low + (high - low) * torch.rand(count, generator=self._generator)

    def _normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self._generator)

    def draw(self, ids: torch.Tensor) -> None:
        """Draw new values for the environments ``ids`` and apply them."""
        options, n = self.options, len(ids)
        if not options.enabled or n == 0:
            return
        self.mass[ids] = self._uniform(options.mass, n)
        self.object_friction[ids] = self._uniform(options.object_friction, n)
        self.hand_friction[ids] = self._uniform(options.hand_friction, n)
        self.gain_factors[ids, 0] = self._uniform(options.stiffness, n)
        self.gain_factors[ids, 1] = self._uniform(options.damping, n)
        self.joint_bias[ids] = options.joint_bias * self._normal(n, self._joint_count)
        self.force[ids] = 0.0
        self._world.set_object_mass(self.mass)
        self._world.set_friction(self.object_friction, self.hand_friction)
        stiffness = self.gain_factors[:, :1] * self._gains[0]
        damping = self.gain_factors[:, 1:] * self._gains[1]
        shape = (-1, self._joint_count)
        self._world.set_gains(stiffness.expand(shape), damping.expand(shape))

    def push(self) -> None:
        """Update the random force and apply it during the next world step."""
        options = self.options
        if not options.enabled or options.force_scale == 0.0:
            return
        self.force *= options.force_decay
        new = torch.rand(len(self.mass), generator=self._generator) < options.force_probability
        count = int(new.sum())
        if count:
            scale = options.force_scale * self.mass[new, None]
            self.force[new] = scale * self._normal(count, 3)
        self._world.apply_object_force(self.force)

    def observe_joints(self, joints: torch.Tensor) -> torch.Tensor:
        """Return joint positions as the policy sees them [rad], shape (N, J)."""
        if not self.options.enabled:
            return joints
        return joints + self.joint_bias + self.options.joint_noise * self._normal(*joints.shape)

    def disturb_action(self, action: torch.Tensor) -> torch.Tensor:
        """Return the action with its noise, shape (N, J)."""
        if not self.options.enabled:
            return action
        return action + self.options.action_noise * self._normal(*action.shape)

    def disturb_start(self, joints: torch.Tensor) -> torch.Tensor:
        """Return start positions with their error [rad], shape (n, J)."""
        if not self.options.enabled:
            return joints
        spread = 2.0 * torch.rand(joints.shape, generator=self._generator) - 1.0
        return joints + self.options.start_joint * spread

    def privileged(self) -> torch.Tensor:
        """Return the drawn values for a critic: mass, frictions, gain factors, force; (N, 8)."""
        return torch.cat(
            (
                10.0 * self.mass[:, None],
                self.object_friction[:, None],
                self.hand_friction[:, None],
                self.gain_factors,
                self.force,
            ),
            dim=-1,
        )
