"""A model of one hand serves its mirror image.

Mirroring in the plane y = 0 of the hand frame only changes signs: of every y coordinate, and of
the joints that spread the fingers. Signs are absorbed by
the first and last layers, so that the mirrored model is exact and costs nothing.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from dexgen_app.errors import InputError, ModelError
from dexgen_app.kinematics.batched import BatchedKinematics
from dexgen_app.kinematics.model import HandModel
from dexgen_app.spec import HandSpec
from dexgen_controller_dexgen.history import HISTORY, HORIZON
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.parameters import CONTROL_HZ


def joint_signs(hand: HandSpec, other: HandSpec) -> tuple[int, ...]:
    """Return the sign of each joint that makes ``other`` the mirror image of ``hand``.

    Raises:
        ModelError: The hands are not mirror images of each other.
    """
    middle = torch.tensor(hand.home)
    sites = []
    for spec in (hand, other):
        model = HandModel(spec).mj_model
        sites.append(BatchedKinematics(model, spec.joint_names, spec.keypoint_sites))
    flip = torch.tensor([1.0, -1.0, 1.0])
    signs = torch.ones(hand.joint_count)
    for joint in range(hand.joint_count):
        moved = torch.zeros(hand.joint_count)
        moved[joint] = 0.3
        here = sites[0].positions(moved[None]) * flip
        points = [sites[1].positions((sign * moved)[None]) for sign in (1.0, -1.0)]
        errors = [float((there - here).abs().max()) for there in points]
        signs[joint] = 1.0 if errors[0] <= errors[1] else -1.0
    here, there = (
        sites[0].positions(middle[None]) * flip,
        sites[1].positions((signs * middle)[None]),
    )
    if float((here - there).abs().max()) > 1e-4:
        raise ModelError(f"{other.id} is not the mirror image of {hand.id}")
    return tuple(int(sign) for sign in signs)


def _signs_of(model: ControllerModel, joints: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the signs of a state and of a motion."""
    point, joint = torch.tensor([1.0, -1.0, 1.0]), torch.tensor(joints, dtype=torch.float32)
    step = torch.cat([point.repeat(model.info.fingers), joint.repeat(3)])
    keypoints = len(model.info.keypoint_sites)
    return step.repeat(HISTORY), point.repeat(HORIZON * keypoints)


def mirror(model: ControllerModel, joints: tuple[int, ...]) -> None:
    """Turn a model into that of the mirrored hand, in place.

    Args:
        model: The model.
        joints: Signs of the joints, as ``joint_signs`` finds them.
    """
    state, motion = _signs_of(model, joints)
    joint = torch.tensor(joints, dtype=torch.float32)
    statistics = model.statistics
    statistics["state_mean"] = statistics["state_mean"] * state
    for name in ("motion_mean", "mode_mean"):
        statistics[name] = statistics[name] * motion
    statistics["increment_mean"] = statistics["increment_mean"] * joint
    prior = model.prior
    with torch.no_grad():
        encoder = prior.encoder[0]
        assert isinstance(encoder, nn.Linear)
        encoder.weight *= state
        first = model.risk.body[0]
        assert isinstance(first, nn.Linear)
        first.weight *= state
        prior.down[0].linear.weight *= motion
        prior.out.weight *= motion[:, None]
        prior.out.bias *= motion
        for net, given, wanted in ((model.inverse, motion, joint), (model.forward, joint, motion)):
            net.inputs.weight *= torch.cat([state, given])
            count = len(wanted)
            net.out.weight[:count] *= wanted[:, None]
            net.out.bias[:count] *= wanted


def load_for_hand(path: Path, hand: HandSpec) -> ControllerModel:
    """Read the model of a hand, or of its mirror image, which is then mirrored.

    Raises:
        InputError: The file is not a controller model, or one of another hand, joint order or
            rate.
    """
    model = ControllerModel.load(path)
    info = model.info
    if abs(info.control_dt * CONTROL_HZ - 1.0) > 1e-3:
        raise InputError(
            f"the model was trained at {1.0 / info.control_dt:g} Hz, the controller runs at "
            f"{CONTROL_HZ:g} Hz",
            where=str(path),
            remedy="Collect and train at the controller's rate",
        )
    if hand.id in (info.hand, info.mirror_hand) and info.joint_names != hand.joint_names:
        raise InputError(
            f"the model's joint order is {', '.join(info.joint_names)}; that of {hand.id} is "
            f"{', '.join(hand.joint_names)}",
            where=str(path),
            remedy="Train it again with this release of the hand",
        )
    if info.joint_names == hand.joint_names and hand.id == info.hand:
        return model
    if info.joint_names == hand.joint_names and hand.id == info.mirror_hand:
        mirror(model, info.mirror_signs)
        return model
    raise InputError(
        f"the model is of another hand, {info.hand}",
        where=str(path),
        remedy=f"Make one with `dexgen-app build-controller --hand {hand.id}`",
    )
