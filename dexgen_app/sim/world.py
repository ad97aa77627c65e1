"""The one interface of every simulated world, and the physics options that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from dexgen_app.spec import HandSpec, ObjectSpec

if TYPE_CHECKING:
    import torch

Engine = Literal["genesis", "mujoco"]


@dataclass(frozen=True, kw_only=True)
class PhysicsOptions:
    """Physics settings that hold a grasp; stored with everything that is simulated.

    Attributes:
        dt: Time of one ``step`` [s].
        substeps: Integration steps in one ``step``.
        friction_cone: Elliptic: the pyramidal cone lets good grasps creep away.
        impratio: Ratio of frictional to normal constraint impedance.
        torsional_friction: Torsional friction of every contact [m].
    """

    dt: float = 0.01
    substeps: int = 2
    friction_cone: Literal["elliptic", "pyramidal"] = "elliptic"
    impratio: float = 100.0
    torsional_friction: float = 0.005


@dataclass(frozen=True, kw_only=True)
class WorldOptions:
    """What a world contains.

    Attributes:
        hand: The hand.
        objects: One object; or several, dealt out to the environments in contiguous blocks of
            equal size; or none.
        environments: Number of environments.
        physics: Physics settings.
        seed: Seed of everything random in the engine.
        self_collision: Whether the fingers collide with each other.
    """

    hand: HandSpec
    objects: tuple[ObjectSpec, ...] = ()
    environments: int = 1
    physics: PhysicsOptions = PhysicsOptions()
    seed: int = 0
    self_collision: bool = True


class World(Protocol):
    """A batch of environments. Tensors are float32 on ``device``; N is ``environments``, J the
    number of joints in ``HandSpec.joint_names`` order, F the number of fingers.

    Everything is expressed in the canonical hand frame: the palm does not move, gravity turns.
    Returned tensors are copies. ``ids`` selects environments; None means all.
    """

    options: WorldOptions
    device: torch.device

    def reset(
        self,
        joints: torch.Tensor,
        object_pose: torch.Tensor | None = None,
        targets: torch.Tensor | None = None,
        ids: torch.Tensor | Sequence[int] | None = None,
    ) -> None:
        """Put the chosen environments at rest in a state.

        Args:
            joints: Joint positions [rad], shape (n, J).
            object_pose: Position [m] and quaternion wxyz, shape (n, 7).
            targets: Joint targets [rad], shape (n, J); ``joints`` where None.
            ids: The environments, n of them.
        """

    def set_targets(self, targets: torch.Tensor) -> None:
        """Set the PD targets [rad], shape (N, J)."""

    def set_gravity(
        self, direction: torch.Tensor, ids: torch.Tensor | Sequence[int] | None = None
    ) -> None:
        """Set unit gravity vectors in the hand frame, shape (n, 3); magnitude 9.81 m/s^2."""

    def step(self, count: int = 1) -> None:
        """Advance every environment by ``count`` times ``physics.dt``."""

    def finite(self) -> torch.Tensor:
        """Whether each environment's state is finite, shape (N,), bool; reset the others."""

    def check(self) -> None:
        """Raise if an environment diverged.

        Raises:
            SimulationError: Names the environment and its state.
        """

    def joint_position(self) -> torch.Tensor:
        """Joint positions [rad], shape (N, J)."""

    def joint_velocity(self) -> torch.Tensor:
        """Joint velocities [rad/s], shape (N, J)."""

    def joint_effort(self) -> torch.Tensor:
        """Torques that the PD controllers apply [N m], shape (N, J)."""

    def targets(self) -> torch.Tensor:
        """PD targets in force [rad], shape (N, J)."""

    def object_pose(self) -> torch.Tensor:
        """Object position [m] and quaternion wxyz, shape (N, 7); NaN without an object."""

    def object_velocity(self) -> torch.Tensor:
        """Object linear [m/s] and angular [rad/s] velocity, shape (N, 6)."""

    def tip_position(self) -> torch.Tensor:
        """Fingertip sites [m], shape (N, F, 3)."""

    def keypoint_position(self) -> torch.Tensor:
        """Keypoint sites, PIPs then tips [m], shape (N, 2 F, 3)."""

    def tip_force(self) -> torch.Tensor:
        """Net contact force on each fingertip's link [N], shape (N, F, 3)."""

    def contacts(self, environment: int = 0) -> torch.Tensor:
        """Contacts on one environment's object: position and force on it, shape (k, 6)."""

    def apply_object_force(self, force: torch.Tensor) -> None:
        """Push the objects' centres of mass during the next ``step`` [N], shape (N, 3)."""

    def set_object_mass(self, mass: torch.Tensor) -> None:
        """Set object masses [kg], shape (N,), scaling inertia with them."""

    def set_friction(self, object_friction: torch.Tensor, hand_friction: torch.Tensor) -> None:
        """Set sliding friction coefficients, each of shape (N,)."""

    def set_gains(self, stiffness: torch.Tensor, damping: torch.Tensor) -> None:
        """Set PD gains [N m/rad], [N m s/rad], each of shape (N, J)."""

    def gains(self) -> tuple[torch.Tensor, torch.Tensor]:
        """PD stiffness [N m/rad] and damping [N m s/rad], each of shape (N, J)."""

    def close(self) -> None:
        """Release the engine."""


def make_world(engine: Engine, options: WorldOptions) -> World:
    """Build a world.

    Args:
        engine: ``genesis``, the engine of record, or ``mujoco``, the cross-check.
        options: What it contains.

    Returns:
        A world with the hand at ``home``, the objects at rest in the grasp centre and gravity
        as with the palm up.
    """
    if engine == "genesis":
        from dexgen_app.sim.genesis_world import GenesisWorld

        return GenesisWorld(options)
    if engine == "mujoco":
        from dexgen_app.sim.mujoco_world import MujocoWorld

        return MujocoWorld(options)
    raise ValueError(f"unknown engine {engine!r}; known: genesis, mujoco")
