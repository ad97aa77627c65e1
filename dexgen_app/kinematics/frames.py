"""Quaternions (``wxyz``), rotation matrices and changes of frame.

Every function works on arrays with any leading dimensions.
"""

from __future__ import annotations

import numpy as np

_OPENXR_TO_ZUP = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""OpenXR (x right, y up, -z forward) to z-up (x forward, y left): a proper rotation."""

_OPENXR_TO_ZUP_QUATERNION = np.array([0.5, 0.5, -0.5, -0.5])
"""The same rotation as a quaternion wxyz."""

_MIRROR = np.array([1.0, -1.0, 1.0])


def normalize(quaternion: np.ndarray) -> np.ndarray:
    """Return unit quaternions, shape (..., 4); a zero quaternion becomes the identity."""
    quaternion = np.asarray(quaternion, dtype=float)
    length = np.linalg.norm(quaternion, axis=-1, keepdims=True)
    unit = quaternion / np.where(length > 1e-12, length, 1.0)
    return np.where(length > 1e-12, unit, np.array([1.0, 0.0, 0.0, 0.0]))


def multiply(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the Hamilton product ``first * second``, shape (..., 4)."""
    w1, x1, y1, z1 = np.moveaxis(np.asarray(first, dtype=float), -1, 0)
    w2, x2, y2, z2 = np.moveaxis(np.asarray(second, dtype=float), -1, 0)
    return np.stack(
        [
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
            w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
        ],
        axis=-1,
    )


def conjugate(quaternion: np.ndarray) -> np.ndarray:
    """Return the conjugates, which invert unit quaternions, shape (..., 4)."""
    return np.asarray(quaternion, dtype=float) * np.array([1.0, -1.0, -1.0, -1.0])


def rotate(quaternion: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return ``vector`` (..., 3) turned by unit ``quaternion`` (..., 4)."""
    quaternion = np.asarray(quaternion, dtype=float)
    vector = np.asarray(vector, dtype=float)
    scalar, axis = quaternion[..., :1], quaternion[..., 1:]
    twice = 2.0 * np.cross(axis, vector)
    return vector + scalar * twice + np.cross(axis, twice)


def to_matrix(quaternion: np.ndarray) -> np.ndarray:
    """Return rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    quaternion = np.asarray(quaternion, dtype=float)
    columns = [rotate(quaternion, axis) for axis in np.eye(3)]
    return np.stack(columns, axis=-1)


def from_matrix(matrix: np.ndarray) -> np.ndarray:
    """Return unit quaternions (..., 4) with w >= 0 of rotation matrices (..., 3, 3).

    Every quaternion is taken from the row of the symmetric matrix ``4 q q^T`` that has the
    largest diagonal entry, which is accurate for every rotation.
    """
    m = np.asarray(matrix, dtype=float)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    yz, zx, xy = m[..., 2, 1], m[..., 0, 2], m[..., 1, 0]
    zy, xz, yx = m[..., 1, 2], m[..., 2, 0], m[..., 0, 1]
    rows = np.stack(
        [
            np.stack([1 + xx + yy + zz, yz - zy, zx - xz, xy - yx], axis=-1),
            np.stack([yz - zy, 1 + xx - yy - zz, yx + xy, zx + xz], axis=-1),
            np.stack([zx - xz, yx + xy, 1 - xx + yy - zz, zy + yz], axis=-1),
            np.stack([xy - yx, zx + xz, zy + yz, 1 - xx - yy + zz], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax(np.diagonal(rows, axis1=-2, axis2=-1), axis=-1)
    chosen = np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :]
    unit = normalize(chosen)
    return np.where(unit[..., :1] < 0.0, -unit, unit)


def relative_pose(base: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Return ``pose`` seen from ``base``; both are position [m] and quaternion wxyz, (..., 7)."""
    back = conjugate(base[..., 3:])
    position = rotate(back, pose[..., :3] - base[..., :3])
    quaternion = multiply(back, pose[..., 3:])
    return np.concatenate([position, quaternion], axis=-1)


def openxr_to_zup(values: np.ndarray) -> np.ndarray:
    """Turn OpenXR's y-up world into the z-up world (x forward, y left).

    Args:
        values: Positions (..., 3) [m], or position and quaternion wxyz (..., 7).

    Returns:
        An array of the same shape.
    """
    values = np.asarray(values, dtype=float)
    position = values[..., :3] @ _OPENXR_TO_ZUP.T
    if values.shape[-1] == 3:
        return position
    turned = multiply(
        multiply(_OPENXR_TO_ZUP_QUATERNION, values[..., 3:]), conjugate(_OPENXR_TO_ZUP_QUATERNION)
    )
    return np.concatenate([position, turned], axis=-1)


def mirror(values: np.ndarray) -> np.ndarray:
    """Reflect in the x-z plane, which makes a left hand of a right one.

    Args:
        values: Positions (..., 3) [m], or position and quaternion wxyz (..., 7).

    Returns:
        An array of the same shape.
    """
    values = np.asarray(values, dtype=float)
    position = values[..., :3] * _MIRROR
    if values.shape[-1] == 3:
        return position
    # A reflection reverses the turn about the axes that lie in the plane.
    turned = values[..., 3:] * np.array([1.0, -1.0, 1.0, -1.0])
    return np.concatenate([position, turned], axis=-1)
