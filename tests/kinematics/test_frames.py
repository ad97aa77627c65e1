"""Quaternions and changes of frame, against scipy and against first principles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from dexgen_app.kinematics import frames

quaternions = (
    hnp.arrays(float, 4, elements=st.floats(-1, 1))
    .filter(lambda q: np.linalg.norm(q) > 0.1)
    .map(lambda q: q / np.linalg.norm(q))
)
vectors = hnp.arrays(float, 3, elements=st.floats(-2, 2))


def scipy_rotation(quaternion: np.ndarray) -> Rotation:
    return Rotation.from_quat(quaternion, scalar_first=True)


@given(quaternions, vectors)
def test_rotate_agrees_with_scipy(quaternion, vector):
    expected = scipy_rotation(quaternion).apply(vector)
    np.testing.assert_allclose(frames.rotate(quaternion, vector), expected, atol=1e-12)


@given(quaternions, quaternions)
def test_product_turns_by_the_second_then_the_first(first, second):
    expected = (scipy_rotation(first) * scipy_rotation(second)).as_matrix()
    product = frames.multiply(first, second)
    np.testing.assert_allclose(frames.to_matrix(product), expected, atol=1e-12)


@given(quaternions)
def test_matrix_and_back(quaternion):
    again = frames.from_matrix(frames.to_matrix(quaternion))
    assert abs(abs(again @ quaternion) - 1.0) < 1e-9
    assert again[0] >= 0.0


@pytest.mark.parametrize("axis", np.eye(3))
def test_half_turns_survive_the_matrix(axis):
    quaternion = np.array([0.0, *axis])
    again = frames.from_matrix(frames.to_matrix(quaternion))
    assert abs(again @ quaternion) == pytest.approx(1.0)


def test_zero_quaternion_becomes_the_identity():
    np.testing.assert_array_equal(frames.normalize(np.zeros(4)), [1, 0, 0, 0])


@given(quaternions, vectors, quaternions, vectors)
def test_relative_pose_leads_back_to_the_pose(turn, offset, other, place):
    base, pose = np.concatenate([offset, turn]), np.concatenate([place, other])
    seen = frames.relative_pose(base, pose)
    np.testing.assert_allclose(frames.rotate(turn, seen[:3]) + offset, place, atol=1e-9)
    back = frames.multiply(turn, seen[3:])
    assert abs(abs(back @ other) - 1.0) < 1e-9


@pytest.mark.parametrize(
    ("openxr", "zup"),
    [((0, 0, -1), (1, 0, 0)), ((-1, 0, 0), (0, 1, 0)), ((0, 1, 0), (0, 0, 1))],
    ids=["forward", "left", "up"],
)
def test_openxr_axes_become_forward_left_up(openxr, zup):
    np.testing.assert_allclose(frames.openxr_to_zup(np.array(openxr, dtype=float)), zup, atol=1e-12)


@given(quaternions, vectors)
def test_openxr_orientation_turns_with_the_positions(quaternion, vector):
    pose = np.concatenate([[0.0, 0.0, 0.0], quaternion])
    turned = frames.openxr_to_zup(pose)[3:]
    in_old_world = frames.openxr_to_zup(frames.rotate(quaternion, vector))
    in_new_world = frames.rotate(turned, frames.openxr_to_zup(vector))
    np.testing.assert_allclose(in_new_world, in_old_world, atol=1e-9)


@given(quaternions, vectors)
def test_mirror_reflects_points_and_turns_alike(quaternion, vector):
    pose = np.concatenate([vector, quaternion])
    mirrored = frames.mirror(pose)
    moved = frames.mirror(frames.rotate(quaternion, vector))
    np.testing.assert_allclose(frames.rotate(mirrored[3:], frames.mirror(vector)), moved, atol=1e-9)
    np.testing.assert_allclose(frames.mirror(mirrored), pose)


def test_functions_take_any_leading_dimensions():
    poses = np.zeros((5, 26, 7))
    poses[..., 3] = 1.0
    assert frames.openxr_to_zup(poses).shape == poses.shape
    assert frames.mirror(poses).shape == poses.shape
    assert frames.to_matrix(poses[..., 3:]).shape == (5, 26, 3, 3)
