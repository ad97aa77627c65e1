from __future__ import annotations

import mujoco
import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dexgen_app.render.transforms import (
    look_at,
    multiply,
    orthographic,
    pose_matrices,
    rotation_matrices,
    shortest_rotation,
)

vectors = arrays(float, 3, elements=st.floats(-2, 2))
quaternions = (
    arrays(float, 4, elements=st.floats(-1, 1))
    .filter(lambda q: np.linalg.norm(q) > 0.1)
    .map(lambda q: q / np.linalg.norm(q))
)


@given(quaternions)
def test_rotation_matrices_agree_with_mujoco(q: np.ndarray) -> None:
    expected = np.zeros(9)
    mujoco.mju_quat2Mat(expected, q)
    np.testing.assert_allclose(rotation_matrices(q), expected.reshape(3, 3), atol=1e-12)


@given(quaternions, quaternions)
def test_multiply_is_composition(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_allclose(
        rotation_matrices(multiply(a, b)), rotation_matrices(a) @ rotation_matrices(b), atol=1e-12
    )


@given(vectors, vectors)
def test_shortest_rotation_reaches_its_end(a: np.ndarray, b: np.ndarray) -> None:
    assume(np.linalg.norm(a) > 0.1 and np.linalg.norm(b) > 0.1)
    q = shortest_rotation(a, b)
    turned = rotation_matrices(q) @ (a / np.linalg.norm(a))
    np.testing.assert_allclose(turned, b / np.linalg.norm(b), atol=1e-6)
    assert abs(np.linalg.norm(q) - 1.0) < 1e-9


def test_shortest_rotation_of_opposites_is_half_a_turn() -> None:
    for axis in np.eye(3):
        q = shortest_rotation(axis, -axis)
        np.testing.assert_allclose(rotation_matrices(q) @ axis, -axis, atol=1e-12)


def test_pose_matrices_move_points() -> None:
    pose = np.array([[1.0, 2.0, 3.0, np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]])
    moved = pose_matrices(pose)[0] @ np.array([1.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(moved, [1.0, 3.0, 3.0, 1.0], atol=1e-12)


def test_look_at_puts_the_target_ahead() -> None:
    view = look_at(np.array([3.0, 1.0, 2.0]), np.zeros(3), np.array([0.0, 0.0, 1.0]))
    target = view @ np.array([0.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(target, [0.0, 0.0, -np.sqrt(14.0), 1.0], atol=1e-12)
    np.testing.assert_allclose(view[:3, :3] @ view[:3, :3].T, np.eye(3), atol=1e-12)


def test_orthographic_maps_its_box_to_the_unit_cube() -> None:
    lower, upper = np.array([-1.0, 0.0, -5.0]), np.array([1.0, 4.0, -2.0])
    matrix = orthographic(lower, upper)
    near = matrix @ np.array([1.0, 4.0, -2.0, 1.0])
    far = matrix @ np.array([-1.0, 0.0, -5.0, 1.0])
    np.testing.assert_allclose(near[:3], [1.0, 1.0, -1.0])
    np.testing.assert_allclose(far[:3], [-1.0, -1.0, 1.0])
