"""Finds grasps of an object from which a session, a test or a training run can start.

A grasp is searched for as in HORA (Qi et al. 2022, appendix): a canonical pose is disturbed, the
object is put between the fingers, the hand closes on it and what still holds after a settling
time is kept; here after gravity came from all six sides, too.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from dexgen_app import paths
from dexgen_app.errors import SimulationError
from dexgen_app.files import replacing
from dexgen_app.sim.mujoco_world import MujocoWorld
from dexgen_app.sim.scene import load_hand
from dexgen_app.sim.world import PhysicsOptions, World, WorldOptions
from dexgen_app.spec import GRAVITY_DIRECTIONS, HandSpec, ObjectSpec

_DEEPEST = 0.03  # penetration at the start beyond which a try is not worth simulating [m]
_HOPELESS = 4  # batches without any grasp after which the search ends
_FORMAT = 1  # counts changes of the search, so that old files are not taken for new ones


@dataclass(frozen=True, kw_only=True)
class GraspOptions:
    """How grasps are searched for.

    Attributes:
        joint_noise: Largest disturbance of each joint of ``HandSpec.grasp`` [rad].
        closure_noise: Largest change of the closure, where 0 is open and 1 is ``grasp``.
        orientation_noise: Standard deviation of the object's rotation [rad].
        squeeze: Force that each fingertip presses with towards the object [N]; 0 leaves the hand
            at the sampled pose, which holds by its own error.
        settle: Time that a grasp has to come to rest [s].
        shake: Time that gravity comes from each of the six sides [s].
        reach: Largest distance of a held object from the grasp centre [m].
        slip: Largest displacement during the shake [m].
        lowest_tips: Smallest height of the touching tips, as ``grip`` returns it [m].
        batch: Tries simulated at a time.
        tries: Tries after which the search ends.
    """

    joint_noise: float = 0.25
    closure_noise: float = 0.1
    orientation_noise: float = 0.3
    squeeze: float = 2.0
    settle: float = 3.0
    shake: float = 0.5
    reach: float = 0.045
    slip: float = 0.01
    lowest_tips: float = -0.01
    batch: int = 64
    tries: int = 1024


@dataclass(frozen=True, eq=False, kw_only=True)
class GraspSet:
    """Grasps of one object at rest, steadiest first; arrays of float32.

    Attributes:
        joints: Joint positions [rad], shape (G, J).
        targets: Joint targets that hold the object [rad], shape (G, J).
        object_pose: Position [m] and quaternion wxyz in the hand frame, shape (G, 7).
        slip: Largest displacement of the object while gravity turned [m], shape (G,).
    """

    joints: np.ndarray
    targets: np.ndarray
    object_pose: np.ndarray
    slip: np.ndarray

    def __len__(self) -> int:
        return len(self.joints)


def find_grasps(
    hand: HandSpec,
    item: ObjectSpec,
    count: int,
    *,
    seed: int = 0,
    physics: PhysicsOptions | None = None,
    options: GraspOptions | None = None,
    progress: Callable[..., None] | None = None,
) -> GraspSet:
    """Return ``count`` grasps, from the cache if they were searched for before.

    Args:
        hand: The hand.
        item: The object.
        count: Number of grasps.
        seed: Seed of the search.
        physics: Physics settings.
        options: How to search.
        progress: Called as ``progress(text, fraction)`` during a search.

    Raises:
        SimulationError: There are too few grasps within the allowed tries.
    """
    physics, options = physics or PhysicsOptions(), options or GraspOptions()
    file = _cache_file(hand, item, count, seed, physics, options)
    stored = _read(file)
    if stored is not None:
        return stored
    generator = torch.Generator().manual_seed(seed)
    world = MujocoWorld(
        WorldOptions(hand=hand, objects=(item,), environments=options.batch, physics=physics)
    )
    found: list[list[np.ndarray]] = []
    total = 0
    for _ in range(0, options.tries, options.batch):
        rows = _try_batch(world, generator, options)
        found.append(rows)
        total += len(rows[0])
        if progress is not None:
            progress("searching for grasps", min(1.0, total / count))
        if total >= count or (total == 0 and len(found) == _HOPELESS):
            break
    if total < count:
        size = " x ".join(f"{1000.0 * length:.0f}" for length in item.size)
        raise SimulationError(
            f"only {total} of {count} grasps found for a {item.shape} of {size} mm",
            where=hand.id,
            remedy="Take an object of about 6 cm, or lighter",
        )
    columns = [np.concatenate(column).astype(np.float32) for column in zip(*found)]
    order = np.argsort(columns[3][:], kind="stable")[:count]
    joints, targets, pose, slip = (column[order] for column in columns)
    grasps = GraspSet(joints=joints, targets=targets, object_pose=pose, slip=slip)
    _write(file, grasps)
    return grasps


def _try_batch(
    world: MujocoWorld, generator: torch.Generator, options: GraspOptions
) -> list[np.ndarray]:
    """Return joints, targets, poses and slips of those tries that hold."""
    hand, n = world.options.hand, world.options.environments
    lower, upper = torch.tensor(hand.limits, dtype=torch.float32)
    home, grasp = torch.tensor(hand.home), torch.tensor(hand.grasp)

    def uniform(*shape: int) -> torch.Tensor:
        return 2.0 * torch.rand(*shape, generator=generator) - 1.0

    joints = home + (1.0 + options.closure_noise * uniform(n, 1)) * (grasp - home)
    joints = joints + options.joint_noise * uniform(n, hand.joint_count)
    joints = torch.minimum(torch.maximum(joints, lower), upper)
    centre = torch.tensor(hand.grasp_center)
    pose = torch.cat((centre.repeat(n, 1), _orientations(n, generator, options)), dim=1)

    def count_steps(seconds: float) -> int:
        return max(1, round(seconds / world.options.physics.dt))

    def fall(direction: str) -> None:
        world.set_gravity(torch.tensor(GRAVITY_DIRECTIONS[direction]).repeat(n, 1))

    fall("palm_up")
    world.reset(joints, pose)
    possible = world.penetration() < _DEEPEST
    pose[~possible, 0] += 1.0  # out of the way, where it costs no time
    world.reset(joints, pose)
    world.step(count_steps(options.settle / 3.0))
    if not ((world.object_pose()[:, :3] - centre).norm(dim=1) < options.reach).any():
        return [column[:0].numpy() for column in (joints, joints, pose, pose[:, 0])]
    if options.squeeze > 0.0:
        world.set_targets(press(world, options.squeeze))
    world.step(count_steps(options.settle * 2.0 / 3.0))
    joints, targets, pose = world.joint_position(), world.targets(), world.object_pose()
    holds = world.finite() & ((pose[:, :3] - centre).norm(dim=1) < options.reach)
    holds &= world.object_velocity()[:, :3].norm(dim=1) < 0.01
    count, height = grip(world, 0.02)
    holds &= (count >= 2) & (height >= options.lowest_tips)
    slip = torch.zeros(n)
    for direction in GRAVITY_DIRECTIONS:
        world.reset(joints, pose, targets)
        fall(direction)
        world.step(count_steps(options.shake))
        slip = torch.maximum(slip, (world.object_pose()[:, :3] - pose[:, :3]).norm(dim=1))
    holds &= world.finite() & (slip < options.slip)
    return [column[holds].numpy() for column in (joints, targets, pose, slip)]


def grip(world: World, force: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how the fingertips touch the objects.

    Where they touch an object far on the palm's side of its centre, any firmer grip pushes it out
    of the hand.

    Args:
        world: The world in the state to look at.
        force: Smallest force of a tip that counts as touching [N].

    Returns:
        The number of touching tips and their mean height over the object's centre, along x, away
        from the palm [m]; each of shape (N,).
    """
    touching = world.tip_force().norm(dim=2) > force
    count = touching.sum(dim=1)
    height = world.tip_position()[..., 0] - world.object_pose()[:, :1]
    return count, (height * touching).sum(dim=1) / count.clamp_min(1)


def press(world: MujocoWorld, force: torch.Tensor | float) -> torch.Tensor:
    """Return targets that press the fingertips towards the object's centre.

    The torque of a fingertip force is J^T f; a PD controller gives it at q + J^T f / stiffness.

    Args:
        world: The world in the state to press from.
        force: Force of every fingertip [N]; a number or shape (F,).

    Returns:
        Joint targets [rad], shape (N, J).
    """
    towards = world.object_pose()[:, None, :3] - world.tip_position()
    wanted = torch.nn.functional.normalize(towards, dim=2)
    wanted = wanted * torch.as_tensor(force).reshape(-1, 1)
    torque = torch.einsum("nfij,nfi->nj", world.tip_jacobian(), wanted)
    return world.joint_position() + torque / world.gains()[0]


def _orientations(n: int, generator: torch.Generator, options: GraspOptions) -> torch.Tensor:
    """Return quaternions wxyz near the three ways to lay an axis, shape (n, 4)."""
    half = 0.5**0.5
    laid = torch.tensor([[1.0, 0.0, 0.0, 0.0], [half, half, 0.0, 0.0], [half, 0.0, half, 0.0]])
    base = laid[torch.randint(3, (n,), generator=generator)]
    vector = options.orientation_noise * torch.randn(n, 3, generator=generator)
    angle = vector.norm(dim=1, keepdim=True).clamp_min(1e-9)
    scalar, axis = torch.cos(angle / 2.0), torch.sin(angle / 2.0) * vector / angle
    w, v = base[:, :1], base[:, 1:]
    return torch.cat(
        (
            scalar * w - (axis * v).sum(dim=1, keepdim=True),
            scalar * v + w * axis + torch.linalg.cross(axis, v),
        ),
        dim=1,
    )


def _cache_file(
    hand: HandSpec,
    item: ObjectSpec,
    count: int,
    seed: int,
    physics: PhysicsOptions,
    options: GraspOptions,
) -> Path:
    text = load_hand(WorldOptions(hand=hand, physics=physics)).xml
    parts = (
        _FORMAT,
        text,
        hand.joint_names,
        hand.home,
        hand.grasp,
        hand.grasp_center,
        hand.tip_sites,
        hand.limits.tolist(),
        asdict(item),
        count,
        seed,
        asdict(physics),
        asdict(options),
    )
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
    folder = paths.cache_dir() / "grasps"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{hand.id}-{item.shape}-{digest}.npz"


def _read(file: Path) -> GraspSet | None:
    """Return a stored set; a file that cannot be read counts as absent and is searched anew."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            names = ("joints", "targets", "object_pose", "slip")
            return GraspSet(**{name: stored[name] for name in names})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(file: Path, grasps: GraspSet) -> None:
    with replacing(file) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            joints=grasps.joints,
            targets=grasps.targets,
            object_pose=grasps.object_pose,
            slip=grasps.slip,
        )
