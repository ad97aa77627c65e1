from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch

import dexgen_hand_allegro
from dexgen_app.errors import ModelError
from dexgen_app.kinematics.batched import BatchedKinematics
from dexgen_hand_allegro.spec import LEFT, RIGHT

MODELS = Path(dexgen_hand_allegro.__file__).parent / "models"


@pytest.mark.parametrize("spec", [RIGHT, LEFT], ids=["right", "left"])
def test_agrees_with_mujoco(spec) -> None:
    model = mujoco.MjModel.from_xml_path(str(MODELS / f"{spec.side}.xml"))
    data = mujoco.MjData(model)
    kinematics = BatchedKinematics(model, spec.joint_names, spec.keypoint_sites)
    joints = np.random.default_rng(0).uniform(*spec.limits, size=(20, spec.joint_count))
    ours = kinematics.positions(torch.from_numpy(joints).float())
    for row, angles in zip(ours, joints):
        for name, angle in zip(spec.joint_names, angles):
            data.joint(name).qpos[0] = angle
        mujoco.mj_kinematics(model, data)
        expected = [data.site(name).xpos for name in spec.keypoint_sites]
        np.testing.assert_allclose(row, expected, atol=2e-6)


def test_unknown_names_are_reported() -> None:
    model = mujoco.MjModel.from_xml_path(str(MODELS / "right.xml"))
    with pytest.raises(ModelError, match="site nowhere"):
        BatchedKinematics(model, RIGHT.joint_names, ["nowhere"])
    with pytest.raises(ModelError, match="joint nothing"):
        BatchedKinematics(model, ["nothing"], [])
