"""The second engine: MuJoCo, the cross-check, and faster for one environment."""

from __future__ import annotations

import logging

import mujoco
import numpy as np
import torch

from dexgen_app.sim.batch import Ids, as_batch, as_ids, pd_effort, raise_if_not_finite
from dexgen_app.sim.scene import (
    GRAVITY,
    OBJECT,
    compose_mujoco,
    environment_objects,
    load_hand,
)
from dexgen_app.sim.world import WorldOptions

log = logging.getLogger(__name__)

# Otherwise warnings go to the terminal and to a file in the working directory.
mujoco.set_mju_user_warning(lambda text: log.warning("MuJoCo: %s", text))


class MujocoWorld:
    """A ``World`` on MuJoCo: a model and a state of its own for each environment.

    Args:
        options: What the world contains.

    Raises:
        ModelError: The hand's model cannot be used.
    """

    def __init__(self, options: WorldOptions) -> None:
        self.options = options
        self.device = torch.device("cpu")
        text = load_hand(options)
        objects = environment_objects(options)
        kinds = {item: compose_mujoco(text, item, options.physics) for item in set(objects)}
        if not kinds:
            kinds = {None: compose_mujoco(text, None, options.physics)}
        model = next(iter(kinds.values()))
        items = objects or [None] * options.environments
        # A copy each, because gravity, masses, friction and gains differ.
        self._models = [_copy_model(kinds[item]) for item in items]
        self._data = [mujoco.MjData(own) for own in self._models]
        # Views that stay valid: reading them together is much faster than asking each state.
        self._positions = [data.qpos for data in self._data]
        self._velocities = [data.qvel for data in self._data]
        self._site_positions = [data.site_xpos for data in self._data]
        self._controls = [data.ctrl for data in self._data]
        self._pushed = False
        self._object_turns: list[np.ndarray] = []
        self._has_object = bool(objects)
        self._read_model(model)
        if self._has_object:
            body = self._object_body
            self._object_turns = [data.xmat[body] for data in self._data]
            self._inertias_of_1_kg = [
                own.body_inertia[body] / own.body_mass[body] for own in self._models
            ]
        self._stiffness = torch.tensor(text.stiffness, dtype=torch.float32).repeat(
            options.environments, 1
        )
        self._damping = torch.tensor(text.damping, dtype=torch.float32).repeat(
            options.environments, 1
        )
        self._effort = torch.tensor(text.effort, dtype=torch.float32)
        for own in self._models:
            own.actuator_forcelimited[self._actuators] = 1
            own.actuator_forcerange[self._actuators, 0] = -text.effort
            own.actuator_forcerange[self._actuators, 1] = text.effort
        self._initialise()

    def _read_model(self, model: mujoco.MjModel) -> None:
        hand = self.options.hand
        joints = [model.joint(name) for name in hand.joint_names]
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dofs = np.array([joint.dofadr[0] for joint in joints])
        by_joint = {model.actuator_trnid[i, 0]: i for i in range(model.nu)}
        self._actuators = np.array([by_joint[joint.id] for joint in joints])
        self._sites = np.array([model.site(name).id for name in hand.keypoint_sites])
        self._tip_bodies = model.site_bodyid[self._sites[len(hand.fingers) :]]
        if self._has_object:
            joint = model.joint(OBJECT)
            self._object_qpos = slice(joint.qposadr[0], joint.qposadr[0] + 7)
            self._object_dofs = slice(joint.dofadr[0], joint.dofadr[0] + 6)
            self._object_body = model.body(OBJECT).id
            self._object_geom = model.geom(OBJECT).id

    def _initialise(self) -> None:
        n, hand = self.options.environments, self.options.hand
        self._targets = torch.zeros(n, hand.joint_count)
        self._sound: tuple[torch.Tensor, torch.Tensor] | None = None
        pose = torch.tensor([[*hand.grasp_center, 1.0, 0.0, 0.0, 0.0]]).repeat(n, 1)
        self.reset(torch.tensor([hand.home]).repeat(n, 1), pose)

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
        shape = (len(chosen), self.options.hand.joint_count)
        joints = as_batch(joints, shape, self.device, "joints")
        targets = joints if targets is None else as_batch(targets, shape, self.device, "targets")
        if object_pose is not None:
            poses = as_batch(object_pose, (len(chosen), 7), self.device, "object_pose")
        else:
            poses = self.object_pose()[chosen]
        self._targets[chosen] = targets
        for row, index in enumerate(chosen.tolist()):
            data = self._data[index]
            mujoco.mj_resetData(self._models[index], data)
            data.qpos[self._qpos] = joints[row].numpy()
            if self._has_object:
                data.qpos[self._object_qpos] = poses[row].numpy()
            data.ctrl[self._actuators] = targets[row].numpy()
            mujoco.mj_kinematics(self._models[index], data)

    def set_targets(self, targets: torch.Tensor) -> None:
        """Set the PD targets [rad], shape (N, J)."""
        self._targets[:] = as_batch(targets, tuple(self._targets.shape), self.device, "targets")
        for control, row in zip(self._controls, self._targets.numpy()):
            control[self._actuators] = row

    def set_gravity(self, direction: torch.Tensor, ids: Ids = None) -> None:
        """Set unit gravity vectors in the hand frame, shape (n, 3)."""
        chosen = as_ids(ids, self.options.environments, self.device)
        vectors = as_batch(direction, (len(chosen), 3), self.device, "direction").numpy()
        for index, vector in zip(chosen.tolist(), vectors):
            self._models[index].opt.gravity[:] = GRAVITY * vector

    def step(self, count: int = 1) -> None:
        """Advance every environment by ``count`` times ``physics.dt``."""
        substeps = count * self.options.physics.substeps
        for model, data in zip(self._models, self._data):
            mujoco.mj_step(model, data, substeps)
            # The step leaves positions of bodies and sites one substep behind the joints.
            mujoco.mj_kinematics(model, data)
        if self._pushed:
            self._pushed = False
            for data in self._data:
                data.xfrc_applied[:] = 0.0

    def finite(self) -> torch.Tensor:
        """Whether each environment's state is finite, shape (N,), bool."""
        sound = np.isfinite(_rows(self._positions)).all(1)
        return torch.from_numpy(sound & np.isfinite(_rows(self._velocities)).all(1))

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
        return _tensor(_rows(self._positions)[:, self._qpos])

    def joint_velocity(self) -> torch.Tensor:
        """Joint velocities [rad/s], shape (N, J)."""
        return _tensor(_rows(self._velocities)[:, self._dofs])

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
        if not self._has_object:
            return torch.full((self.options.environments, 7), float("nan"))
        return _tensor(_rows(self._positions)[:, self._object_qpos])

    def object_velocity(self) -> torch.Tensor:
        """Object linear [m/s] and angular [rad/s] velocity, shape (N, 6)."""
        if not self._has_object:
            return torch.full((self.options.environments, 6), float("nan"))
        rows = _rows(self._velocities)[:, self._object_dofs]
        # A free joint's angular velocity is in the body's frame.
        turns = _rows(self._object_turns).reshape(-1, 3, 3)
        rows[:, 3:] = (turns @ rows[:, 3:, None])[..., 0]
        return _tensor(rows)

    def keypoint_position(self) -> torch.Tensor:
        """Keypoint sites, PIPs then tips [m], shape (N, 2 F, 3)."""
        return _tensor(_rows(self._site_positions)[:, self._sites])

    def tip_position(self) -> torch.Tensor:
        """Fingertip sites [m], shape (N, F, 3)."""
        return self.keypoint_position()[:, len(self._tip_bodies) :]

    def tip_jacobian(self) -> torch.Tensor:
        """Velocity of the fingertip sites by joint velocity [m/rad], shape (N, F, 3, J)."""
        n, sites = len(self._data), self._sites[len(self._tip_bodies) :]
        rows = np.zeros((n, len(sites), 3, len(self._dofs)))
        for own, model, data in zip(rows, self._models, self._data):
            mujoco.mj_comPos(model, data)
            full = np.zeros((3, model.nv))
            for row, site in zip(own, sites):
                mujoco.mj_jacSite(model, data, full, None, site)
                row[:] = full[:, self._dofs]
        return torch.from_numpy(rows).float()

    def tip_force(self) -> torch.Tensor:
        """Net contact force on each fingertip's link [N], shape (N, F, 3)."""
        forces = np.zeros((len(self._data), len(self._tip_bodies), 3))
        rows = {body: row for row, body in enumerate(self._tip_bodies)}
        for own, model, data in zip(forces, self._models, self._data):
            for index in range(data.ncon):
                geoms = data.contact.geom[index]
                bodies = model.geom_bodyid[geoms]
                if bodies[0] in rows or bodies[1] in rows:
                    force = _contact_force(model, data, index)
                    for body, sign in zip(bodies, (-1.0, 1.0)):
                        if body in rows:
                            own[rows[body]] += sign * force
        return torch.from_numpy(forces).float()

    def contacts(self, environment: int = 0) -> torch.Tensor:
        """Contacts on one environment's object: position and force on it, shape (k, 6)."""
        if not self._has_object:
            return torch.zeros(0, 6)
        model, data = self._models[environment], self._data[environment]
        found = []
        for index in range(data.ncon):
            geoms = data.contact.geom[index]
            if self._object_geom in geoms:
                sign = 1.0 if geoms[1] == self._object_geom else -1.0
                force = sign * _contact_force(model, data, index)
                found.append(np.concatenate((data.contact.pos[index], force)))
        return torch.tensor(np.array(found).reshape(-1, 6), dtype=torch.float32)

    def penetration(self) -> torch.Tensor:
        """Depth of the deepest contact in the present state [m], shape (N,)."""
        depths = []
        for model, data in zip(self._models, self._data):
            mujoco.mj_fwdPosition(model, data)
            depths.append(max(0.0, -min(data.contact.dist, default=0.0)))
        return torch.tensor(depths)

    # Parameters ---------------------------------------------------------------------------------

    def apply_object_force(self, force: torch.Tensor) -> None:
        """Push the objects' centres of mass during the next ``step`` [N], shape (N, 3)."""
        if not self._has_object:
            return
        rows = as_batch(force, (len(self._data), 3), self.device, "force").numpy()
        self._pushed = True
        for data, row in zip(self._data, rows):
            data.xfrc_applied[self._object_body, :3] = row

    def set_object_mass(self, mass: torch.Tensor) -> None:
        """Set object masses [kg], shape (N,), scaling inertia with them."""
        if not self._has_object:
            return
        body = self._object_body
        values = as_batch(mass, (len(self._data),), self.device, "mass").tolist()
        for index, (model, value) in enumerate(zip(self._models, values)):
            # From the inertia as built, so that rounding does not add up over many calls.
            model.body_inertia[body] = self._inertias_of_1_kg[index] * value
            model.body_mass[body] = value
            self._refresh_constants(index)

    def set_friction(self, object_friction: torch.Tensor, hand_friction: torch.Tensor) -> None:
        """Set sliding friction coefficients, each of shape (N,)."""
        shape = (len(self._data),)
        hands = as_batch(hand_friction, shape, self.device, "hand_friction").tolist()
        objects = as_batch(object_friction, shape, self.device, "object_friction").tolist()
        for model, hand, item in zip(self._models, hands, objects):
            model.geom_friction[:, 0] = hand
            if self._has_object:
                model.geom_friction[self._object_geom, 0] = item

    def set_gains(self, stiffness: torch.Tensor, damping: torch.Tensor) -> None:
        """Set PD gains [N m/rad], [N m s/rad], each of shape (N, J)."""
        shape = tuple(self._stiffness.shape)
        self._stiffness = as_batch(stiffness, shape, self.device, "stiffness").clone()
        self._damping = as_batch(damping, shape, self.device, "damping").clone()
        for model, kp, kv in zip(self._models, self._stiffness.numpy(), self._damping.numpy()):
            model.actuator_gainprm[self._actuators, 0] = kp
            model.actuator_biasprm[self._actuators, 1] = -kp
            model.actuator_biasprm[self._actuators, 2] = -kv

    def gains(self) -> tuple[torch.Tensor, torch.Tensor]:
        """PD stiffness [N m/rad] and damping [N m s/rad], each of shape (N, J)."""
        return self._stiffness.clone(), self._damping.clone()

    def close(self) -> None:
        """Release the models."""
        self._positions, self._velocities, self._controls = [], [], []
        self._site_positions, self._object_turns = [], []
        self._models, self._data = [], []

    def _refresh_constants(self, index: int) -> None:
        # mj_setConst uses the state as scratch space, so it gets one of its own.
        mujoco.mj_setConst(self._models[index], mujoco.MjData(self._models[index]))


def _copy_model(model: mujoco.MjModel) -> mujoco.MjModel:
    return model.__copy__()


def _rows(views: list[np.ndarray]) -> np.ndarray:
    """Return arrays of one shape as one array, the first axis that of the list."""
    return np.concatenate(views).reshape(len(views), *views[0].shape)


def _tensor(rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(rows.astype(np.float32))


def _contact_force(model: mujoco.MjModel, data: mujoco.MjData, index: int) -> np.ndarray:
    """Force on the second geom of a contact [N], in the world frame, shape (3,)."""
    wrench = np.zeros(6)
    mujoco.mj_contactForce(model, data, index, wrench)
    return data.contact.frame[index].reshape(3, 3).T @ wrench[:3]
