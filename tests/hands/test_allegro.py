"""The Allegro Hand against its published figures, which are written down here independently."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexgen_app.kinematics.frames import mirror
from dexgen_app.kinematics.model import HandModel
from dexgen_hand_allegro.build_models import MODELS, build
from dexgen_hand_allegro.plugin import register_hands
from dexgen_hand_allegro.spec import LEFT, RIGHT

PALM_TO_WRIST = 0.095
"""The published palm frame stands this far above our wrist [m]."""

FINGER_RANGES = [(-0.47, 0.47), (-0.196, 1.61), (-0.174, 1.709), (-0.227, 1.618)]
THUMB_RANGES = [(0.263, 1.396), (-0.105, 1.163), (-0.189, 1.644), (-0.162, 1.719)]


def published_chain(finger: str) -> list[tuple[list[float], list[float], str]]:
    """Offset [m], roll-pitch-yaw [rad] and joint axis of every link of the published URDF."""
    if finger == "th":
        # Roll, pitch and yaw of joint 12 in the manufacturer's URDF.
        base = [0.0, -1.65806278845, -1.5707963259]
        return [
            ([-0.0182, 0.019333987032, -0.045987], base, "-x"),
            ([-0.027, 0.005, 0.0399], [0, 0, 0], "z"),
            ([0, 0, 0.0177], [0, 0, 0], "y"),
            ([0, 0, 0.0514], [0, 0, 0], "y"),
            ([0, 0, 0.0423], [0, 0, 0], ""),
        ]
    side = {"ff": 1.0, "mf": 0.0, "rf": -1.0}[finger]
    height = 0.0007 if finger == "mf" else -0.001542
    return [
        ([0, 0.0435 * side, height], [-0.08726646255 * side, 0, 0], "z"),
        ([0, 0, 0.0164], [0, 0, 0], "y"),
        ([0, 0, 0.054], [0, 0, 0], "y"),
        ([0, 0, 0.0384], [0, 0, 0], "y"),
        ([0, 0, 0.0267], [0, 0, 0], ""),
    ]


def published_tip(finger: str, angles: np.ndarray) -> np.ndarray:
    """Forward kinematics of one finger, by hand: the tip frame in our wrist frame [m]."""
    axes = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1], "-x": [-1, 0, 0]}
    position, rotation = np.array([0.0, 0.0, PALM_TO_WRIST]), Rotation.identity()
    for index, (offset, rpy, axis) in enumerate(published_chain(finger)):
        position = position + rotation.apply(offset)
        rotation = rotation * Rotation.from_euler("xyz", rpy)
        if axis:
            rotation = rotation * Rotation.from_rotvec(np.array(axes[axis]) * angles[index])
    return position


@pytest.fixture(scope="module")
def right() -> HandModel:
    return HandModel(RIGHT)


@pytest.fixture(scope="module")
def left() -> HandModel:
    return HandModel(LEFT)


def random_poses(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(*RIGHT.limits, size=(count, 16))


def mirrored(q: np.ndarray) -> np.ndarray:
    """Joint positions of the left hand for a mirrored pose: the spread joints count backwards."""
    q = q.copy()
    q[[0, 4, 8]] *= -1.0
    return q


@pytest.mark.parametrize("hand", [RIGHT, LEFT])
def test_limits_are_the_published_ones_in_spec_and_model(hand):
    expected = np.array(FINGER_RANGES * 3 + THUMB_RANGES)
    np.testing.assert_allclose(np.stack([hand.lower, hand.upper], axis=1), expected)
    model = HandModel(hand).mj_model
    np.testing.assert_allclose([model.joint(n).range for n in hand.joint_names], expected)


def test_joint_order_is_finger_by_finger_and_that_of_the_model(right):
    fingers = [f"{f}j{i}" for f in ("ff", "mf", "rf", "th") for i in range(4)]
    assert list(RIGHT.joint_names) == fingers
    assert [right.mj_model.joint(i).name for i in range(16)] == fingers


def test_the_whole_hand_weighs_what_is_published(right, left):
    for model in (right.mj_model, left.mj_model):
        assert model.body_mass.sum() == pytest.approx(0.645, abs=1e-4)
        assert (model.body_mass[1:] > 0.005).all()


def test_masses_follow_the_published_outlines_at_one_density(right):
    # Palm 40.8 x 113 x 95 mm, proximal link 19.6 x 27.5 x 54 mm.
    palm = right.mj_model.body("palm").mass[0] / (0.0408 * 0.113 * 0.095)
    proximal = right.mj_model.body("ff_proximal").mass[0] / (0.0196 * 0.0275 * 0.054)
    assert palm == pytest.approx(proximal, rel=1e-3)
    assert 700 < palm < 900


@pytest.mark.parametrize("finger", ["ff", "mf", "rf", "th"])
def test_forward_kinematics_agrees_with_the_published_description(right, finger):
    start = 4 * ["ff", "mf", "rf", "th"].index(finger)
    tip = right.body_names.index(f"{finger}_tip")
    for q in random_poses(50):
        measured = right.body_poses(q)[tip, :3]
        np.testing.assert_allclose(measured, published_tip(finger, q[start : start + 4]), atol=5e-5)


def test_the_tip_site_lies_on_the_rubber_ball_between_pad_and_end(right):
    model = right.mj_model
    for finger in RIGHT.fingers:
        position = model.site(finger.tip_site).pos
        assert np.linalg.norm(position) == pytest.approx(0.012, abs=1e-6)
        assert position[0] > 0 and position[2] > 0 and position[1] == 0


def test_left_hand_mirrors_the_right_hand(right, left):
    assert left.body_names == right.body_names
    for q in random_poses(50):
        np.testing.assert_allclose(
            left.keypoints(mirrored(q)), mirror(right.keypoints(q)), atol=1e-6
        )
        ours, theirs = left.body_poses(mirrored(q)), mirror(right.body_poses(q))
        np.testing.assert_allclose(ours[:, :3], theirs[:, :3], atol=1e-6)
        same = np.abs(np.sum(ours[:, 3:] * theirs[:, 3:], axis=1))
        np.testing.assert_allclose(same, 1.0, atol=1e-6)


def test_left_masses_and_inertias_mirror_the_right_ones(right, left):
    np.testing.assert_allclose(left.mj_model.body_mass, right.mj_model.body_mass)
    np.testing.assert_allclose(left.mj_model.body_inertia, right.mj_model.body_inertia)
    flip = np.array([1.0, -1.0, 1.0])
    np.testing.assert_allclose(left.mj_model.body_ipos, right.mj_model.body_ipos * flip)


def test_declared_poses_mirror_each_other():
    np.testing.assert_allclose(LEFT.home, mirrored(np.array(RIGHT.home)))
    np.testing.assert_allclose(LEFT.grasp, mirrored(np.array(RIGHT.grasp)))
    np.testing.assert_allclose(LEFT.grasp_center, mirror(np.array(RIGHT.grasp_center)))


def test_grasp_center_lies_midway_between_the_thumb_and_the_fingers(right):
    tips = right.tips(np.array(RIGHT.grasp))
    expected = (tips[:3].mean(axis=0) + tips[3]) / 2.0
    np.testing.assert_allclose(RIGHT.grasp_center, expected, atol=1e-4)
    distances = np.linalg.norm(tips - RIGHT.grasp_center, axis=1)
    assert (distances > 0.025).all() and (distances < 0.06).all()


@pytest.mark.parametrize("hand", [RIGHT, LEFT])
def test_the_root_frame_is_the_canonical_hand_frame(hand):
    model = HandModel(hand)
    home = np.array(hand.home)
    middle_base = model.body_poses(home)[model.body_names.index("mf_base"), :3]
    np.testing.assert_allclose(middle_base[:2], 0.0, atol=1e-9)
    assert middle_base[2] > 0.09
    bent = home.copy()
    bent[[1, 5, 9]] += 0.5
    assert (model.tips(bent)[:3, 0] > model.tips(home)[:3, 0] + 0.03).all()
    index, ring = model.tips(home)[[0, 2], 1]
    assert (index > ring) == (hand.side == "right")


@pytest.mark.parametrize("hand", [RIGHT, LEFT])
def test_actuators_are_position_servos_with_the_declared_torque_limit(hand):
    model = HandModel(hand).mj_model
    assert model.nu == 16
    np.testing.assert_allclose(model.actuator_gainprm[:, 0], 3.0)
    np.testing.assert_allclose(model.actuator_biasprm[:, 2], -0.1)
    np.testing.assert_allclose(model.actuator_forcerange[:, 1], hand.max_effort)
    np.testing.assert_allclose(model.dof_armature, 0.001)
    driven = [model.joint(int(j)).name for j in model.actuator_trnid[:, 0]]
    assert driven == list(hand.joint_names)


def test_collision_is_made_of_primitives_and_visuals_touch_nothing(right):
    model = right.mj_model
    solid = (model.geom_contype | model.geom_conaffinity) != 0
    allowed = {int(mujoco.mjtGeom.mjGEOM_CAPSULE), int(mujoco.mjtGeom.mjGEOM_BOX)}
    assert {int(t) for t in model.geom_type[solid]} == allowed
    assert (model.geom_group[solid] == 3).all()
    assert (model.geom_group[~solid] == 2).all()
    np.testing.assert_allclose(model.geom_friction[solid, 0], 1.0)


@pytest.mark.parametrize("hand", [RIGHT, LEFT])
@pytest.mark.parametrize("pose", ["home", "grasp"])
def test_declared_poses_touch_nothing_of_the_hand_itself(hand, pose):
    model = HandModel(hand)
    model.mj_data.qpos[:] = getattr(hand, pose)
    mujoco.mj_forward(model.mj_model, model.mj_data)
    assert model.mj_data.ncon == 0


def test_servos_reach_and_hold_the_declared_poses(right):
    data = mujoco.MjData(right.mj_model)
    data.qpos[:] = RIGHT.home
    data.ctrl[:] = RIGHT.grasp
    for _ in range(1000):
        mujoco.mj_step(right.mj_model, data)
    np.testing.assert_allclose(data.qpos, RIGHT.grasp, atol=0.05)


@pytest.mark.parametrize("side", ["right", "left"])
def test_committed_models_are_what_the_script_writes(side):
    assert (MODELS / f"{side}.xml").read_text(encoding="utf-8") == build(side)


def test_meshes_stay_small():
    meshes = list((MODELS / "meshes").glob("*.obj"))
    assert len(meshes) > 10
    assert sum(mesh.stat().st_size for mesh in meshes) < 1_000_000


def test_the_plugin_declares_both_hands():
    assert [hand.id for hand in register_hands()] == ["allegro_right", "allegro_left"]
