"""Measures whether a simulated hand is fit for manipulation; the tests set the limits."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
import torch
from scipy.optimize import least_squares

from dexgen_app.errors import SimulationError
from dexgen_app.kinematics.model import HandModel
from dexgen_app.sim.grasps import GraspSet, press
from dexgen_app.sim.mujoco_world import MujocoWorld
from dexgen_app.sim.scene import GRAVITY, add_object, object_spec, set_mujoco_options
from dexgen_app.sim.world import Engine, PhysicsOptions, World, WorldOptions
from dexgen_app.spec import GRAVITY_DIRECTIONS, HandSpec, ObjectSpec

PINCHED = ObjectSpec(size=(0.03, 0.03, 0.03), mass=0.03)
"""The small cube of the pinch."""

_SLIDER = ObjectSpec(shape="box", size=(0.10, 0.10, 0.04), mass=0.2)


@dataclass(frozen=True, eq=False, kw_only=True)
class Creep:
    """How objects moved in the hand while nothing was commanded.

    Attributes:
        held: Whether each object stayed within 4 cm of its start, shape (N,).
        distance: Displacement of each object after settling [m], shape (N,).
        seconds: Time that this took [s].
    """

    held: np.ndarray
    distance: np.ndarray
    seconds: float


def measure_creep(
    world: World, grasps: GraspSet, seconds: float = 10.0, settle: float = 1.0
) -> Creep:
    """Hold one grasp in each environment with constant targets, palm up."""
    n = world.options.environments
    joints, pose, targets = (
        torch.from_numpy(part[:n]) for part in (grasps.joints, grasps.object_pose, grasps.targets)
    )
    world.set_gravity(torch.tensor(GRAVITY_DIRECTIONS["palm_up"]).repeat(n, 1))
    world.reset(joints, pose, targets)
    return _creep(world, seconds, settle)


def find_pinch(hand: HandSpec, force: float = 3.0) -> GraspSet:
    """Return a pinch of ``PINCHED`` between the thumb and the index finger.

    Args:
        hand: The hand; it must have a thumb and an index finger.
        force: Force of each fingertip [N].

    Raises:
        SimulationError: The two fingertips do not reach each other.
    """
    model = HandModel(hand)
    mj = model.mj_model
    names = [finger.name for finger in hand.fingers]
    pair = [names.index("index"), names.index("thumb")]
    bodies = [mj.site_bodyid[mj.site(hand.fingers[finger].tip_site).id] for finger in pair]
    rows = [model.body_names.index(mj.body(body).name) for body in bodies]
    # The pads are round about their body's origin, so that the origins' line is the normal.
    radius = sum(
        float(np.linalg.norm(mj.site_pos[mj.site(hand.fingers[finger].tip_site).id]))
        for finger in pair
    )
    wanted = PINCHED.size[0] + radius
    moving = [hand.joint_index(name) for f in pair for name in hand.fingers[f].joints]
    open_pose, grasp = np.array(hand.home), np.array(hand.grasp)

    def posed(values: np.ndarray) -> np.ndarray:
        pose = open_pose.copy()
        pose[moving] = values
        return pose

    def ends(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        poses = model.body_poses(posed(values))
        return poses[rows[0], :3], poses[rows[1], :3]

    def residual(values: np.ndarray) -> np.ndarray:
        index, thumb = ends(values)
        gap = np.linalg.norm(index - thumb) - wanted
        return np.concatenate(([1000.0 * gap], 0.5 * (values - grasp[moving])))

    lower, upper = hand.limits[:, moving]
    margin = 0.05 * (upper - lower)
    start = np.clip(grasp[moving], lower + margin, upper - margin)
    values = least_squares(residual, start, bounds=(lower + margin / 2, upper - margin / 2)).x
    index, thumb = ends(values)
    axis = index - thumb
    if abs(np.linalg.norm(axis) - wanted) > 0.002:
        raise SimulationError("thumb and index finger do not reach a pinch", where=hand.id)
    pose = np.concatenate(((index + thumb) / 2.0, _turn_to(axis / np.linalg.norm(axis))))
    world = MujocoWorld(WorldOptions(hand=hand, objects=(PINCHED,)))
    joints = torch.from_numpy(posed(values)[None].astype(np.float32))
    world.reset(joints, torch.from_numpy(pose[None].astype(np.float32)))
    fingers = torch.zeros(len(names))
    fingers[pair] = force
    return GraspSet(
        joints=joints.numpy(),
        targets=press(world, fingers).numpy(),
        object_pose=pose[None].astype(np.float32),
        slip=np.zeros(1, np.float32),
    )


def measure_pinch(world: World, pinch: GraspSet, seconds: float = 5.0) -> Creep:
    """Hold the pinch in every environment, environment i under the i-th of six gravities."""
    n = world.options.environments
    weightless = torch.zeros(n, 3)
    world.set_gravity(weightless)
    joints, pose, targets = (
        torch.from_numpy(part).repeat(n, 1)
        for part in (pinch.joints, pinch.object_pose, pinch.targets)
    )
    world.reset(joints, pose, targets)
    world.step(round(0.5 / world.options.physics.dt))
    sides = torch.tensor(list(GRAVITY_DIRECTIONS.values()))
    world.set_gravity(sides[torch.arange(n) % len(sides)])
    return _creep(world, seconds, settle=1.0)


def move_randomly(
    world: World, seconds: float = 60.0, seed: int = 0, period: float = 0.2
) -> tuple[bool, float]:
    """Send every joint to random places within its limits, an object in the way.

    Args:
        world: The world.
        seconds: Simulated time of each environment.
        seed: Seed of the motion.
        period: Time between new targets [s]; the objects return every ten periods.

    Returns:
        Whether every state was finite, and the largest violation of a joint limit [rad].
    """
    hand, n = world.options.hand, world.options.environments
    generator = torch.Generator().manual_seed(seed)
    lower, upper = torch.tensor(hand.limits, dtype=torch.float32)
    centre = torch.tensor([[*hand.grasp_center, 1.0, 0.0, 0.0, 0.0]]).repeat(n, 1)
    worst, finite = 0.0, True
    for turn in range(round(seconds / period)):
        if turn % 10 == 0:
            world.reset(torch.tensor(hand.home).repeat(n, 1), centre)
        targets = lower + torch.rand(n, hand.joint_count, generator=generator) * (upper - lower)
        world.set_targets(targets)
        world.step(round(period / world.options.physics.dt))
        finite = finite and bool(world.finite().all())
        joints = world.joint_position().cpu()
        worst = max(worst, float(torch.maximum(lower - joints, joints - upper).max()))
    return finite, worst


def measure_slide(
    engine: Engine,
    friction: float,
    speed: float,
    tilt: float = 0.0,
    seconds: float = 1.0,
    physics: PhysicsOptions | None = None,
) -> float:
    """Let a flat box slide over a plane and return how far it came [m].

    Args:
        engine: The engine.
        friction: Sliding friction coefficient.
        speed: Speed at the start [m/s].
        tilt: Tilt of the plane, downhill in the direction of the speed [rad].
        seconds: Time.
        physics: Physics settings.
    """
    physics = physics or PhysicsOptions()
    gravity = GRAVITY * np.array([np.sin(tilt), 0.0, -np.cos(tilt)])
    steps = round(seconds / physics.dt)
    start = np.array([0.0, 0.0, _SLIDER.size[2] / 2.0, 1.0, 0.0, 0.0, 0.0])
    slide = {"genesis": _slide_in_genesis, "mujoco": _slide_in_mujoco}[engine]
    return slide(friction, speed, gravity, steps, start, physics)


def _slide_in_mujoco(
    friction: float,
    speed: float,
    gravity: np.ndarray,
    steps: int,
    start: np.ndarray,
    physics: PhysicsOptions,
) -> float:
    spec = mujoco.MjSpec()
    _add_floor(spec)
    add_object(spec.worldbody, _SLIDER, physics, friction)
    for geom in spec.geoms:
        geom.friction[0] = friction
    set_mujoco_options(spec, physics)
    model = spec.compile()
    model.opt.gravity[:] = gravity
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[0] = start, speed
    mujoco.mj_step(model, data, steps * physics.substeps)
    return float(data.qpos[0])


def _slide_in_genesis(
    friction: float,
    speed: float,
    gravity: np.ndarray,
    steps: int,
    start: np.ndarray,
    physics: PhysicsOptions,
) -> float:
    from dexgen_app.sim.cache import import_genesis, quiet_stderr
    from dexgen_app.sim.genesis_world import make_scene

    gs = import_genesis()
    material = gs.materials.Rigid(friction=friction, friction_torsional=physics.torsional_friction)
    floor = mujoco.MjSpec()
    _add_floor(floor)
    with quiet_stderr():
        scene = make_scene(gs, physics)
        for text in (floor.to_xml(), object_spec(_SLIDER, physics).to_xml()):
            morph = gs.morphs.MJCF(file=text, default_armature=None, visualization=False)
            item = scene.add_entity(morph, material=material)
        scene.build(n_envs=1)
    scene.rigid_solver.set_gravity(gravity)
    item.set_qpos(torch.from_numpy(start[None]).float())
    item.set_dofs_velocity(torch.tensor([[speed, 0.0, 0.0, 0.0, 0.0, 0.0]]))
    for _ in range(steps):
        scene.step(update_visualizer=False)
    distance = float(item.get_qpos()[0, 0])
    scene.destroy()
    return distance


def _add_floor(spec: mujoco.MjSpec) -> None:
    physics = PhysicsOptions()
    floor = spec.worldbody.add_geom(name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE)
    floor.size = [5.0, 5.0, 0.1]
    floor.condim = 4
    floor.solref = [0.01, 1.0]
    floor.friction = [1.0, physics.torsional_friction, 0.0001]


def _creep(world: World, seconds: float, settle: float) -> Creep:
    dt = world.options.physics.dt
    first = world.object_pose()[:, :3]
    world.step(round(settle / dt))
    begin = world.object_pose()[:, :3]
    world.step(round(seconds / dt))
    world.check()
    end = world.object_pose()[:, :3]
    return Creep(
        held=((end - first).norm(dim=1) < 0.04).cpu().numpy(),
        distance=(end - begin).norm(dim=1).cpu().numpy(),
        seconds=seconds,
    )


def _turn_to(axis: np.ndarray) -> np.ndarray:
    """Return the quaternion wxyz of the shortest turn of +x to a unit vector."""
    half = np.array([1.0 + axis[0], 0.0, -axis[2], axis[1]])
    length = np.linalg.norm(half)
    return half / length if length > 1e-6 else np.array([0.0, 0.0, 0.0, 1.0])
