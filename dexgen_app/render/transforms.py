"""Rigid transforms and camera matrices. Quaternions are wxyz, matrices act on columns."""

from __future__ import annotations

import math

import numpy as np


def rotation_matrices(quaternions: np.ndarray) -> np.ndarray:
    """Turn unit quaternions wxyz, shape (..., 4), into matrices, shape (..., 3, 3)."""
    w, x, y, z = np.moveaxis(np.asarray(quaternions, dtype=float), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def pose_matrices(poses: np.ndarray) -> np.ndarray:
    """Turn poses (position, quaternion wxyz), shape (n, 7), into matrices, shape (n, 4, 4)."""
    poses = np.asarray(poses, dtype=float)
    result = np.zeros((len(poses), 4, 4))
    result[:, :3, :3] = rotation_matrices(poses[:, 3:])
    result[:, :3, 3] = poses[:, :3]
    result[:, 3, 3] = 1.0
    return result


def multiply(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Hamilton product of quaternions wxyz; shapes (..., 4) broadcast."""
    aw, ax, ay, az = np.moveaxis(np.asarray(left, dtype=float), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(right, dtype=float), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def shortest_rotation(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the quaternion wxyz of the smallest rotation that takes ``start`` to ``end``.

    For opposite vectors, the rotation is about the axis nearest to x that is normal to both.
    """
    a = np.asarray(start, dtype=float) / np.linalg.norm(start)
    b = np.asarray(end, dtype=float) / np.linalg.norm(end)
    cosine = float(a @ b)
    if cosine < -1.0 + 1e-13:
        axis = np.array([1.0, 0.0, 0.0]) if abs(a[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
        axis = axis - a * float(a @ axis)
        return np.concatenate([[0.0], axis / np.linalg.norm(axis)])
    quaternion = np.concatenate([[1.0 + cosine], np.cross(a, b)])
    return quaternion / np.linalg.norm(quaternion)


def look_at(eye: np.ndarray, target: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return the view matrix, shape (4, 4), of a camera that looks along its own -z."""
    back = eye - target
    back = back / np.linalg.norm(back)
    right = np.cross(up, back)
    right = right / np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = [right, np.cross(back, right), back]
    matrix[:3, 3] = -matrix[:3, :3] @ eye
    return matrix


def perspective(fov: float, aspect: float, near: float, far: float) -> np.ndarray:
    """Return OpenGL's perspective matrix, shape (4, 4), for a vertical field of view [rad]."""
    f = 1.0 / math.tan(fov / 2.0)
    matrix = np.zeros((4, 4))
    matrix[0, 0] = f / aspect
    matrix[1, 1] = f
    matrix[2, 2] = (far + near) / (near - far)
    matrix[2, 3] = 2.0 * far * near / (near - far)
    matrix[3, 2] = -1.0
    return matrix


def orthographic(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Return the matrix, shape (4, 4), of an orthographic box seen along -z.

    Args:
        lower: Smallest x, y, z of the box in the camera's frame, shape (3,).
        upper: Largest x, y, z of the box in the camera's frame, shape (3,).
    """
    matrix = np.eye(4)
    size = upper - lower
    matrix[[0, 1, 2], [0, 1, 2]] = np.array([2.0, 2.0, -2.0]) / size
    matrix[:3, 3] = np.array([-1.0, -1.0, 1.0]) * (upper + lower) / size
    return matrix
