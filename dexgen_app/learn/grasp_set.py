"""Sets of verified grasps: where they are kept, what a file holds, and how it is checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from dexgen_app import paths
from dexgen_app.errors import InputError
from dexgen_app.files import replacing
from dexgen_app.spec import GRAVITY_DIRECTIONS, HandSpec, ObjectSpec

FORMAT = "dexgen-grasps-1"


@dataclass(frozen=True, eq=False, kw_only=True)
class GraspSet:
    """Grasps of one object by one hand, all at rest.

    Attributes:
        hand: Identifier of the hand.
        joint_names: Order of the joint columns.
        object: The object.
        joints: Joint positions [rad], shape (n, J).
        targets: Joint targets that keep the grasp [rad], shape (n, J).
        object_pose: Position [m] and quaternion wxyz in the hand frame, shape (n, 7).
        holds: Whether the grasp survives each gravity direction, in the order of
            ``GRAVITY_DIRECTIONS``, shape (n, 6), bool.
        info: How it was made: seed, options and their hash, engine, yield.
    """

    hand: str
    joint_names: tuple[str, ...]
    object: ObjectSpec
    joints: torch.Tensor
    targets: torch.Tensor
    object_pose: torch.Tensor
    holds: torch.Tensor
    info: dict[str, Any]

    def __len__(self) -> int:
        return int(self.joints.shape[0])

    def select(self, rows: torch.Tensor) -> GraspSet:
        """Return the grasps ``rows``, indices or a mask of shape (n,)."""
        return GraspSet(
            hand=self.hand,
            joint_names=self.joint_names,
            object=self.object,
            joints=self.joints[rows],
            targets=self.targets[rows],
            object_pose=self.object_pose[rows],
            holds=self.holds[rows],
            info=self.info,
        )


def object_key(spec: ObjectSpec) -> str:
    """Return a short name of an object's shape and size, such as ``cube-60x60x60``."""
    return f"{spec.shape}-" + "x".join(f"{1000 * s:g}" for s in spec.size)


def grasp_path(hand: HandSpec, spec: ObjectSpec) -> Path:
    """Return where the grasps of an object by a hand are kept; the file may not exist."""
    return paths.cache_dir() / "grasps" / hand.id / f"{object_key(spec)}.safetensors"


def options_hash(options: dict[str, Any]) -> str:
    """Return a hash of options that does not depend on their order."""
    text = json.dumps(options, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def save_grasps(path: Path, grasps: GraspSet) -> None:
    """Write a grasp set; a kill leaves either the old file or the new one."""
    from safetensors.torch import save_file

    metadata = {
        "format": FORMAT,
        "hand": grasps.hand,
        "joint_names": json.dumps(grasps.joint_names),
        "object": json.dumps(asdict(grasps.object)),
        "gravity_directions": json.dumps(list(GRAVITY_DIRECTIONS)),
        "units": "rad, m, quaternion wxyz, canonical hand frame",
        "info": json.dumps(grasps.info),
    }
    columns = {
        "joints": grasps.joints.float().contiguous(),
        "targets": grasps.targets.float().contiguous(),
        "object_pose": grasps.object_pose.float().contiguous(),
        "holds": grasps.holds.to(torch.uint8).contiguous(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        save_file(columns, temporary, metadata=metadata)


def load_grasps(path: Path, hand: HandSpec) -> GraspSet:
    """Read a grasp set.

    Args:
        path: The file.
        hand: The hand that will use it.

    Raises:
        InputError: The file is absent, damaged, of another hand or of another joint order.
    """
    from safetensors import SafetensorError, safe_open

    remedy = "Make it with `dexgen-app grasps make`"
    if not path.exists():
        raise InputError("there is no such grasp set", where=str(path), remedy=remedy)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            columns = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"damaged grasp set: {error}", where=str(path), remedy=remedy) from error
    if metadata.get("format") != FORMAT:
        raise InputError("not a grasp set of this version", where=str(path), remedy=remedy)
    names = tuple(json.loads(metadata["joint_names"]))
    if metadata["hand"] != hand.id or names != hand.joint_names:
        raise InputError(
            f"grasps of hand {metadata['hand']} do not fit hand {hand.id}",
            where=str(path),
            remedy=remedy,
        )
    if json.loads(metadata["gravity_directions"]) != list(GRAVITY_DIRECTIONS):
        raise InputError("other gravity directions", where=str(path), remedy=remedy)
    spec = json.loads(metadata["object"])
    spec["size"] = tuple(spec["size"])
    grasps = GraspSet(
        hand=hand.id,
        joint_names=hand.joint_names,
        object=ObjectSpec(**spec),
        joints=columns["joints"],
        targets=columns["targets"],
        object_pose=columns["object_pose"],
        holds=columns["holds"].bool(),
        info=json.loads(metadata["info"]),
    )
    finite = all(
        bool(torch.isfinite(column).all())
        for column in (grasps.joints, grasps.targets, grasps.object_pose)
    )
    if len(grasps) == 0 or not finite:
        raise InputError("a grasp set without usable grasps", where=str(path), remedy=remedy)
    return grasps
