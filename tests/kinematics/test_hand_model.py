"""Forward kinematics: frames, couplings and models that lack something."""

from __future__ import annotations

import dataclasses

import mujoco
import numpy as np
import pytest

from dexgen_app.errors import ModelError
from dexgen_app.kinematics.model import HandModel, load_mjcf, resolve_model
from dexgen_hand_allegro.spec import RIGHT


def test_coupled_joint_follows_its_driver(coupled):
    hand = HandModel(coupled)
    a = 0.6
    b = 0.1 + 0.5 * a
    expected = [
        0.05 * np.sin(a) + 0.03 * np.sin(a + b),
        0.0,
        0.1 + 0.05 * np.cos(a) + 0.03 * np.cos(a + b),
    ]
    np.testing.assert_allclose(hand.tips(np.array([a]))[0], expected, atol=1e-7)


def test_results_are_in_the_hand_frame_wherever_the_root_stands(coupled):
    hand = HandModel(coupled)
    poses = hand.body_poses(np.array([0.0]))
    np.testing.assert_allclose(poses[0], [0, 0, 0, 1, 0, 0, 0], atol=1e-9)
    np.testing.assert_allclose(poses[1, :3], [0, 0, 0.1], atol=1e-9)
    point = np.array([0.01, 0.02, 0.03])
    np.testing.assert_allclose(hand.to_world(point), [0.98, 2.01, 3.03], atol=1e-6)


def test_finger_length_counts_from_the_base_to_the_tip(coupled):
    hand = HandModel(coupled)
    np.testing.assert_allclose(hand.finger_base(coupled.fingers[0]), [0, 0, 0.1], atol=1e-9)
    np.testing.assert_allclose(hand.finger_length(coupled.fingers[0]), (0.08, 0.05), atol=1e-9)


def test_keypoints_are_middle_joints_then_tips():
    hand = HandModel(RIGHT)
    q = np.array(RIGHT.grasp)
    assert hand.keypoints(q).shape == (8, 3)
    np.testing.assert_array_equal(hand.keypoints(q)[4:], hand.tips(q))
    np.testing.assert_array_equal(hand.keypoints(q), hand.site_positions(q, RIGHT.keypoint_sites))


def test_body_poses_agree_with_mujoco():
    hand = HandModel(RIGHT)
    data = mujoco.MjData(hand.mj_model)
    data.qpos[:] = RIGHT.grasp
    mujoco.mj_forward(hand.mj_model, data)
    poses = hand.body_poses(np.array(RIGHT.grasp))
    assert len(poses) == len(hand.body_names) == hand.mj_model.nbody - 1
    np.testing.assert_allclose(poses[:, :3], data.xpos[1:], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "no_such_package:hand.xml"}, "no installed package"),
        ({"model": "hand.xml"}, "no installed package"),
        ({"model": "../x:hand.xml"}, "no installed package"),
        ({"model": "one_finger_hand:other.xml"}, "does not exist"),
        ({"palm_site": "hollow"}, "no site hollow"),
    ],
)
def test_a_wrong_declaration_is_named(coupled, change, message):
    with pytest.raises(ModelError, match=message):
        HandModel(dataclasses.replace(coupled, **change))


def test_a_joint_that_the_model_lacks_is_named(coupled):
    finger = dataclasses.replace(coupled.fingers[0], joints=("knuckle",))
    spec = dataclasses.replace(coupled, joint_names=("knuckle",), fingers=(finger,))
    with pytest.raises(ModelError, match="no joint knuckle"):
        HandModel(spec)


def test_a_model_that_does_not_parse_names_the_file(tmp_path):
    path = tmp_path / "broken.xml"
    path.write_text("<mujoco><worldbody><body></worldbody></mujoco>")
    with pytest.raises(ModelError, match=r"broken\.xml.*does not compile"):
        load_mjcf(path)
    with pytest.raises(ModelError, match="no such file"):
        load_mjcf(tmp_path / "absent.xml")


def test_resolve_model_does_not_import_the_package(coupled):
    import sys

    assert resolve_model(coupled).name == "hand.xml"
    assert "one_finger_hand" not in sys.modules
