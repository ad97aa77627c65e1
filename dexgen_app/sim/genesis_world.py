"""The world of record: Genesis, one environment or thousands in a process."""

from __future__ import annotations

import os
from types import ModuleType

import torch

from dexgen_app.errors import SimulationError
from dexgen_app.sim.batch import Ids, as_batch, as_ids, pd_effort, raise_if_not_finite, rotate
from dexgen_app.sim.cache import import_genesis, quiet_stderr
from dexgen_app.sim.scene import (
    GRAVITY,
    OBJECT,
    HandModelText,
    environment_objects,
    load_hand,
    object_spec,
)
from dexgen_app.sim.world import PhysicsOptions, WorldOptions


class GenesisWorld:
    """A ``World`` on Genesis.

    The first one in a process imports Genesis and loads its kernels (seconds), or compiles them
    (a minute or more) if the cache is cold; every later one takes a second.

    Args:
        options: What the world contains.

    Raises:
        ModelError: The hand's model cannot be used.
        SimulationError: Genesis cannot be started or cannot build the scene.
    """

    def __init__(self, options: WorldOptions) -> None:
        self.options = options
        text = load_hand(options)
        gs = import_genesis()
        self._genesis = gs
        self.device = torch.device(gs.device)
        self._objects = environment_objects(options)
        with quiet_stderr():
            self._scene, self._hand, self._object = _build(gs, options, text)
        self._solver = self._scene.rigid_solver
        self._read_model(text)
        self._initialise()

    def _read_model(self, text: HandModelText) -> None:
        hand, n = self._hand, self.options.environments
        joints = [hand.get_joint(name) for name in self.options.hand.joint_names]
        self._dofs = [joint.dofs_idx_local[0] for joint in joints]
        self._positions = [joint.qs_idx_local[0] for joint in joints]
        links = sorted({hand.get_link(name).idx_local for name in text.site_links})
        self._site_links = links
        self._site_rows = [links.index(hand.get_link(name).idx_local) for name in text.site_links]
        fingers = len(self.options.hand.fingers)
        self._tip_links = [hand.get_link(name).idx_local for name in text.site_links[fingers:]]
        tensor = {"dtype": torch.float32, "device": self.device}
        self._site_offsets = torch.tensor(text.site_offsets, **tensor)
        self._stiffness = torch.tensor(text.stiffness, **tensor).repeat(n, 1)
        self._damping = torch.tensor(text.damping, **tensor).repeat(n, 1)
        self._effort = torch.tensor(text.effort, **tensor).repeat(n, 1)

    def _initialise(self) -> None:
        n, hand = self.options.environments, self.options.hand
        tensor = {"dtype": torch.float32, "device": self.device}
        self._force: torch.Tensor | None = None
        self._sound: tuple[torch.Tensor, torch.Tensor] | None = None
        self._hand.set_dofs_force_range(-self._effort, self._effort, self._dofs)
        self.set_gains(self._stiffness, self._damping)
        if self._objects:
            mass = self._object.get_links_mass()[..., None, None]
            self._inertia_of_1_kg = self._object.get_links_inertia() / mass
            friction = torch.tensor([item.friction for item in self._objects], **tensor)
            self.set_friction(friction, friction)
        self._targets = torch.zeros(n, hand.joint_count, **tensor)
        pose = torch.tensor([*hand.grasp_center, 1.0, 0.0, 0.0, 0.0], **tensor)
        self.reset(torch.tensor(hand.home, **tensor).repeat(n, 1), pose.repeat(n, 1))
        self.set_gravity(torch.tensor([[-1.0, 0.0, 0.0]], **tensor).repeat(n, 1))

    # State --------------------------------------------------------------------------------------

    def reset(
        self,
        joints: torch.Tensor,
        object_pose: torch.Tensor | None = None,
        targets: torch.Tensor | None = None,
        ids: Ids = None,
    ) -> None:
        """Put the chosen environments at rest in a state; see ``World.reset``."""
        chosen = as_ids(ids, self.options.environments, self.device)
        if not chosen.numel():
            return
        shape = (len(chosen), self.options.hand.joint_count)
        joints = as_batch(joints, shape, self.device, "joints")
        targets = joints if targets is None else as_batch(targets, shape, self.device, "targets")
        place = object_pose is not None and self._object is not None
        self._hand.set_qpos(joints, self._positions, envs_idx=chosen, skip_forward=place)
        if place:
            pose = as_batch(object_pose, (len(chosen), 7), self.device, "object_pose")
            self._object.set_qpos(pose, envs_idx=chosen)
        elif self._object is not None:
            self._object.zero_all_dofs_velocity(envs_idx=chosen)
        self._targets[chosen] = targets
        self._hand.control_dofs_position(targets, self._dofs, envs_idx=chosen)

    def set_targets(self, targets: torch.Tensor) -> None:
        """Set the PD targets [rad], shape (N, J)."""
        self._targets[:] = as_batch(targets, tuple(self._targets.shape), self.device, "targets")
        self._hand.control_dofs_position(self._targets, self._dofs)

    def set_gravity(self, direction: torch.Tensor, ids: Ids = None) -> None:
        """Set unit gravity vectors in the hand frame, shape (n, 3)."""
        chosen = as_ids(ids, self.options.environments, self.device)
        vectors = as_batch(direction, (len(chosen), 3), self.device, "direction")
        self._solver.set_gravity(GRAVITY * vectors, envs_idx=chosen)

    def step(self, count: int = 1) -> None:
        """Advance every environment by ``count`` times ``physics.dt``.

        Raises:
            SimulationError: An environment diverged.
        """
        try:
            for _ in range(count):
                if self._force is not None:
                    self._object.apply_links_external_wrench(
                        force=self._force, ref=self._genesis.link_ref_frame.link_COM
                    )
                self._scene.step(update_visualizer=False)
        except self._genesis.GenesisException as error:
            self.check()
            raise SimulationError(
                str(error), where="simulator", remedy="Reset the scene"
            ) from error
        self._force = None

    def finite(self) -> torch.Tensor:
        """Whether each environment's state is finite, shape (N,), bool."""
        state = self._solver.get_qpos()
        return torch.isfinite(state).all(dim=1) & torch.isfinite(
            self._solver.get_dofs_velocity()
        ).all(dim=1)

    def check(self) -> None:
        """Raise if an environment diverged.

        Raises:
            SimulationError: Names the environment and its state.
        """
        raise_if_not_finite(self.finite(), self._sound)
        self._sound = (self.joint_position(), self.object_pose())

    # Measurements -------------------------------------------------------------------------------

    def joint_position(self) -> torch.Tensor:
        """Joint positions [rad], shape (N, J)."""
        return _copy(self._hand.get_qpos(self._positions))

    def joint_velocity(self) -> torch.Tensor:
        """Joint velocities [rad/s], shape (N, J)."""
        return _copy(self._hand.get_dofs_velocity(self._dofs))

    def joint_effort(self) -> torch.Tensor:
        """Torques that the PD controllers apply [N m], shape (N, J)."""
        return pd_effort(
            self._targets,
            self.joint_position(),
            self.joint_velocity(),
            self._stiffness,
            self._damping,
            self._effort,
        )

    def targets(self) -> torch.Tensor:
        """PD targets in force [rad], shape (N, J)."""
        return self._targets.clone()

    def object_pose(self) -> torch.Tensor:
        """Object position [m] and quaternion wxyz, shape (N, 7); NaN without an object."""
        if self._object is None:
            return torch.full((self.options.environments, 7), float("nan"), device=self.device)
        return _copy(self._object.get_qpos())

    def object_velocity(self) -> torch.Tensor:
        """Object linear [m/s] and angular [rad/s] velocity, shape (N, 6)."""
        if self._object is None:
            return torch.full((self.options.environments, 6), float("nan"), device=self.device)
        return torch.cat((self._object.get_vel(), self._object.get_ang()), dim=1)

    def keypoint_position(self) -> torch.Tensor:
        """Keypoint sites, PIPs then tips [m], shape (N, 2 F, 3)."""
        position = self._hand.get_links_pos(self._site_links)[:, self._site_rows]
        quaternion = self._hand.get_links_quat(self._site_links)[:, self._site_rows]
        return position + rotate(quaternion, self._site_offsets)

    def tip_position(self) -> torch.Tensor:
        """Fingertip sites [m], shape (N, F, 3)."""
        return self.keypoint_position()[:, len(self._tip_links) :]

    def tip_force(self) -> torch.Tensor:
        """Net contact force on each fingertip's link [N], shape (N, F, 3)."""
        return self._hand.get_links_net_contact_force()[:, self._tip_links]

    def contacts(self, environment: int = 0) -> torch.Tensor:
        """Contacts on one environment's object: position and force on it, shape (k, 6)."""
        if self._object is None:
            return torch.zeros(0, 6, device=self.device)
        found = self._object.get_contacts(with_entity=self._hand)
        valid = found["valid_mask"][environment]
        on_a = found["link_a"][environment] == self._object.base_link_idx
        force = torch.where(
            on_a[:, None], found["force_a"][environment], found["force_b"][environment]
        )
        return torch.cat((found["position"][environment], force), dim=1)[valid]

    # Parameters ---------------------------------------------------------------------------------

    def apply_object_force(self, force: torch.Tensor) -> None:
        """Push the objects' centres of mass during the next ``step`` [N], shape (N, 3)."""
        shape = (self.options.environments, 3)
        if self._object is not None:
            self._force = as_batch(force, shape, self.device, "force")[:, None]

    def set_object_mass(self, mass: torch.Tensor) -> None:
        """Set object masses [kg], shape (N,), scaling inertia with them."""
        if self._object is None:
            return
        values = as_batch(mass, (self.options.environments,), self.device, "mass")[:, None]
        self._object.set_links_mass(values)
        # From the inertia as built, so that rounding does not add up over many calls.
        self._object.set_links_inertia(self._inertia_of_1_kg * values[..., None, None])

    def set_friction(self, object_friction: torch.Tensor, hand_friction: torch.Tensor) -> None:
        """Set sliding friction coefficients, each of shape (N,)."""
        shape = (self.options.environments,)
        for entity, value, name in (
            (self._object, object_friction, "object_friction"),
            (self._hand, hand_friction, "hand_friction"),
        ):
            if entity is not None:
                # The models have a friction of 1, so that the ratio is the coefficient.
                ratio = as_batch(value, shape, self.device, name)
                entity.set_friction_ratio(
                    ratio[:, None].repeat(1, entity.n_links), range(entity.n_links)
                )

    def set_gains(self, stiffness: torch.Tensor, damping: torch.Tensor) -> None:
        """Set PD gains [N m/rad], [N m s/rad], each of shape (N, J)."""
        shape = tuple(self._stiffness.shape)
        self._stiffness = as_batch(stiffness, shape, self.device, "stiffness").clone()
        self._damping = as_batch(damping, shape, self.device, "damping").clone()
        self._hand.set_dofs_kp(self._stiffness, self._dofs)
        self._hand.set_dofs_kv(self._damping, self._dofs)

    def gains(self) -> tuple[torch.Tensor, torch.Tensor]:
        """PD stiffness [N m/rad] and damping [N m s/rad], each of shape (N, J)."""
        return self._stiffness.clone(), self._damping.clone()

    def close(self) -> None:
        """Release the scene; Genesis itself stays loaded until the process ends."""
        self._scene.destroy()


def _copy(view: torch.Tensor) -> torch.Tensor:
    """Genesis' getters may return views of its memory."""
    return view.clone(memory_format=torch.contiguous_format)


def make_scene(gs: ModuleType, physics: PhysicsOptions):  # type: ignore[no-untyped-def]
    """Return an empty Genesis scene with the application's one set of compile-time options."""
    elliptic = physics.friction_cone == "elliptic"
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    return gs.Scene(
        sim_options=gs.options.SimOptions(
            dt=physics.dt, substeps=physics.substeps, gravity=(-GRAVITY, 0.0, 0.0)
        ),
        rigid_options=gs.options.RigidOptions(
            friction_cone=gs.friction_cone.elliptic if elliptic else gs.friction_cone.pyramidal,
            contact_resolution=gs.contact_resolution.convex,
            impratio=physics.impratio if elliptic else None,
            enable_torsional_friction=physics.torsional_friction > 0.0,
            batch_links_info=True,
            batch_dofs_info=True,
            batch_joints_info=True,
        ),
        show_viewer=False,
    )


def _build(gs: ModuleType, options: WorldOptions, text: HandModelText):  # type: ignore[no-untyped-def]
    physics = options.physics
    try:
        scene = make_scene(gs, physics)
        material = gs.materials.Rigid(friction=1.0, friction_torsional=physics.torsional_friction)
        hand = scene.add_entity(
            gs.morphs.MJCF(file=text.xml, default_armature=None, visualization=False),
            material=material,
            name="hand",
        )
        item = None
        if options.objects:
            morphs = [
                gs.morphs.MJCF(
                    file=object_spec(kind, physics).to_xml(),
                    default_armature=None,
                    align=False,
                    visualization=False,
                )
                for kind in options.objects
            ]
            item = scene.add_entity(
                morphs if len(morphs) > 1 else morphs[0], material=material, name=OBJECT
            )
        scene.build(n_envs=options.environments)
    except gs.GenesisException as error:
        raise SimulationError(
            f"Genesis cannot build the scene: {error}",
            where=options.hand.id,
            remedy="Check the hand with `dexgen-app hand check`, or use the engine mujoco",
        ) from error
    return scene, hand, item
