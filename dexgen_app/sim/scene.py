"""Composes what both engines simulate: one MJCF of the hand and one of each object.

Everything that decides the physics (friction, contact stiffness, contact dimension, actuator
limits) is written into these models here, so that the engines get the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from dexgen_app.errors import ModelError
from dexgen_app.kinematics.model import resolve_model
from dexgen_app.sim.world import PhysicsOptions, WorldOptions
from dexgen_app.spec import HandSpec, ObjectSpec

OBJECT = "object"
"""Name of the object's body."""

GRAVITY = 9.81
"""Magnitude of gravity [m/s^2]."""

_TIME_CONSTANT = 0.01  # of contacts and limits [s]; Genesis' default, softer than it is unstable
_ANY = 0x7FFF  # the object collides with every geom of the hand


@dataclass(frozen=True, eq=False, kw_only=True)
class HandModelText:
    """The hand as the engines see it.

    Attributes:
        xml: MJCF with collision geometry and explicit inertias only.
        site_links: Body that carries each keypoint site, PIPs then tips.
        site_offsets: Position of each keypoint site in its body's frame [m], shape (2 F, 3).
        stiffness: PD stiffness of each joint [N m/rad], shape (J,).
        damping: PD damping of each joint [N m s/rad], shape (J,).
        effort: Torque limit of each joint [N m], shape (J,).
    """

    xml: str
    site_links: tuple[str, ...]
    site_offsets: np.ndarray
    stiffness: np.ndarray
    damping: np.ndarray
    effort: np.ndarray


def contact_time_constant(physics: PhysicsOptions) -> float:
    """Return the time constant of contacts [s]; below two substeps they become unstable."""
    return max(_TIME_CONSTANT, 2.0 * physics.dt / physics.substeps)


def load_hand(options: WorldOptions) -> HandModelText:
    """Read the hand's MJCF and write the physics options into it.

    Raises:
        ModelError: The model does not parse, or lacks a joint, actuator or site.
    """
    hand, physics = options.hand, options.physics
    path = resolve_model(hand)
    try:
        spec = mujoco.MjSpec.from_file(str(path))
        model = spec.compile()
    except ValueError as error:
        raise ModelError(f"the hand model does not parse: {error}", where=str(path)) from error
    _keep_inertias(spec, model)
    collides = (model.geom_contype != 0) | (model.geom_conaffinity != 0)
    for geom, keep in [(geom, collides[geom.id]) for geom in spec.geoms]:
        if not keep:
            spec.delete(geom)
            continue
        _set_contact(geom, physics, 1.0)
        if not options.self_collision:
            geom.contype, geom.conaffinity = 1, 0
    for material in (*spec.materials, *spec.textures):
        spec.delete(material)
    used = {geom.meshname for geom in spec.geoms}
    for mesh in list(spec.meshes):
        if mesh.name not in used:
            spec.delete(mesh)
    for joint in spec.joints:
        joint.solref_limit = [contact_time_constant(physics), 1.0]
    for actuator in spec.actuators:
        actuator.ctrllimited = 0  # targets are limited by the safety filter, not by an engine
    stiffness, damping, effort = _gains(hand, model)
    links, offsets = _sites(hand, model)
    return HandModelText(
        xml=spec.to_xml(),
        site_links=links,
        site_offsets=offsets,
        stiffness=stiffness,
        damping=damping,
        effort=effort,
    )


def object_spec(item: ObjectSpec, physics: PhysicsOptions) -> mujoco.MjSpec:
    """Return a model of a free object; its friction is 1, to be scaled to ``item.friction``."""
    spec = mujoco.MjSpec()
    spec.modelname = OBJECT
    add_object(spec.worldbody, item, physics, friction=1.0)
    return spec


def add_object(
    parent: mujoco.MjsBody, item: ObjectSpec, physics: PhysicsOptions, friction: float
) -> None:
    """Add a free object to a model, its frame in its centre."""
    body = parent.add_body(name=OBJECT)
    body.add_freejoint(name=OBJECT)
    x, y, z = item.size
    kind, size = {
        "cube": (mujoco.mjtGeom.mjGEOM_BOX, (x / 2, y / 2, z / 2)),
        "box": (mujoco.mjtGeom.mjGEOM_BOX, (x / 2, y / 2, z / 2)),
        "sphere": (mujoco.mjtGeom.mjGEOM_SPHERE, (x / 2, 0.0, 0.0)),
        "cylinder": (mujoco.mjtGeom.mjGEOM_CYLINDER, (x / 2, z / 2, 0.0)),
        "capsule": (mujoco.mjtGeom.mjGEOM_CAPSULE, (x / 2, max(z - x, 1e-4) / 2, 0.0)),
    }[item.shape]
    geom = body.add_geom(name=OBJECT, type=kind, size=size, mass=item.mass)
    geom.contype = geom.conaffinity = _ANY
    _set_contact(geom, physics, friction)


def compose_mujoco(
    hand: HandModelText, item: ObjectSpec | None, physics: PhysicsOptions
) -> mujoco.MjModel:
    """Return the compiled model of the hand and an object, with the options of the physics."""
    spec = mujoco.MjSpec.from_string(hand.xml)
    if item is not None:
        add_object(spec.worldbody, item, physics, item.friction)
        for geom in spec.geoms:
            geom.friction[0] = item.friction
    set_mujoco_options(spec, physics)
    return spec.compile()


def set_mujoco_options(spec: mujoco.MjSpec, physics: PhysicsOptions) -> None:
    """Write step, integrator and cone into a MuJoCo model."""
    spec.option.timestep = physics.dt / physics.substeps
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = {
        "elliptic": mujoco.mjtCone.mjCONE_ELLIPTIC,
        "pyramidal": mujoco.mjtCone.mjCONE_PYRAMIDAL,
    }[physics.friction_cone]
    spec.option.impratio = physics.impratio if physics.friction_cone == "elliptic" else 1.0
    spec.option.gravity = [-GRAVITY, 0.0, 0.0]
    # A diverged state must be seen, not replaced by the initial one.
    spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)


def environment_objects(options: WorldOptions) -> list[ObjectSpec]:
    """Return the object of each environment: contiguous blocks, the first ones larger by one.

    Empty without objects.
    """
    kinds = options.objects
    if not kinds:
        return []
    size, extra = divmod(options.environments, len(kinds))
    return [
        item for index, item in enumerate(kinds) for _ in range(size + (1 if index < extra else 0))
    ]


def _set_contact(geom: mujoco.MjsGeom, physics: PhysicsOptions, friction: float) -> None:
    torsional = physics.torsional_friction
    geom.condim = 4 if torsional > 0.0 else 3
    geom.friction = [friction, torsional, 0.0001]
    geom.solref = [contact_time_constant(physics), 1.0]


def _keep_inertias(spec: mujoco.MjSpec, model: mujoco.MjModel) -> None:
    """Write the compiled inertias out, before geometry that they came from is removed."""
    for body in spec.bodies:
        if body.id == 0:
            continue
        body.explicitinertial = True
        body.mass = model.body_mass[body.id]
        body.ipos = model.body_ipos[body.id]
        body.iquat = model.body_iquat[body.id]
        body.inertia = model.body_inertia[body.id]
        body.fullinertia = [np.nan] * 6
        body.ialt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT


def _gains(hand: HandSpec, model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    by_joint = {
        model.joint(model.actuator_trnid[i, 0]).name: i
        for i in range(model.nu)
        if model.actuator_trntype[i] == mujoco.mjtTrn.mjTRN_JOINT
    }
    gains = np.zeros((3, hand.joint_count))
    for index, name in enumerate(hand.joint_names):
        if name not in by_joint:
            raise ModelError("the joint has no position actuator", where=f"{hand.id}: {name}")
        actuator = by_joint[name]
        limited = model.actuator_forcelimited[actuator]
        gains[:, index] = (
            model.actuator_gainprm[actuator, 0],
            -model.actuator_biasprm[actuator, 2],
            model.actuator_forcerange[actuator, 1] if limited else hand.max_effort[index],
        )
    return gains[0], gains[1], gains[2]


def _sites(hand: HandSpec, model: mujoco.MjModel) -> tuple[tuple[str, ...], np.ndarray]:
    links, offsets = [], []
    for name in hand.keypoint_sites:
        site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, name)
        if site < 0:
            raise ModelError(f"the model has no site {name}", where=hand.id)
        links.append(model.body(model.site_bodyid[site]).name)
        offsets.append(model.site_pos[site])
    return tuple(links), np.array(offsets, dtype=np.float32)
