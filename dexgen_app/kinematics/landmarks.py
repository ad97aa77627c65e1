"""Human hand landmarks: index lists between conventions, and the canonical hand frame.

The 21 landmarks follow MediaPipe: 0 wrist; 1-4 thumb CMC, MCP, IP, tip; then MCP, PIP, DIP and
tip of the index (5-8), middle (9-12), ring (13-16) and little finger (17-20).
"""

from __future__ import annotations

import numpy as np

from dexgen_app.errors import InputError
from dexgen_app.spec.hand import Side

WRIST = 0
INDEX_MCP = 5
MIDDLE_MCP = 9

FINGER_LANDMARKS: dict[str, tuple[int, int, int, int]] = {
    "thumb": (1, 2, 3, 4),
    "index": (5, 6, 7, 8),
    "middle": (9, 10, 11, 12),
    "ring": (13, 14, 15, 16),
    "little": (17, 18, 19, 20),
}
"""The four landmarks of every human finger, from the base to the tip."""

OPENXR_TO_LANDMARKS = (
    1,
    *range(2, 6),
    *range(7, 11),
    *range(12, 16),
    *range(17, 21),
    *range(22, 26),
)
"""Index list that takes 21 landmarks from the 26 joints of ``XR_EXT_hand_tracking``."""

MIN_HAND_LENGTH = 0.02
"""Shortest believable distance from the wrist to the middle finger's base [m]."""

MAX_HAND_LENGTH = 0.30
"""Longest believable distance from the wrist to the middle finger's base [m]."""


def landmarks_from_openxr(joints: np.ndarray) -> np.ndarray:
    """Return the 21 landmarks (21, 3) [m] of 26 OpenXR joints (26, 7) or (26, 3) [m].

    Raises:
        InputError: The shape is wrong.
    """
    joints = np.asarray(joints, dtype=float)
    if joints.shape not in ((26, 7), (26, 3)):
        raise InputError(
            f"an OpenXR hand has shape {joints.shape}, not (26, 7)",
            remedy="Send position and quaternion wxyz of all 26 joints",
        )
    return joints[list(OPENXR_TO_LANDMARKS), :3]


def check_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """Return ``landmarks`` as a float array (21, 3) [m], or say what is wrong with them.

    Raises:
        InputError: The shape is wrong, a value is not finite, or this is no hand in metres.
    """
    landmarks = np.asarray(landmarks, dtype=float)
    if landmarks.shape != (21, 3):
        raise InputError(
            f"hand landmarks have shape {landmarks.shape}, not (21, 3)",
            remedy="Send 21 positions in MediaPipe order",
        )
    if not np.isfinite(landmarks).all():
        bad = sorted(set(np.nonzero(~np.isfinite(landmarks))[0].tolist()))
        raise InputError(f"hand landmarks {bad} are not finite")
    length = float(np.linalg.norm(landmarks[MIDDLE_MCP] - landmarks[WRIST]))
    reach = float(np.linalg.norm(landmarks - landmarks[WRIST], axis=1).max())
    if not MIN_HAND_LENGTH <= length <= MAX_HAND_LENGTH or reach > 3.0 * MAX_HAND_LENGTH:
        raise InputError(
            f"the wrist is {length:.3g} m from the middle finger's base and {reach:.3g} m from "
            "the farthest landmark, which is no hand",
            remedy="Landmarks must be in metres",
        )
    return landmarks


def to_hand_frame(landmarks: np.ndarray, side: Side) -> np.ndarray:
    """Return landmarks in the canonical hand frame.

    The frame stands at the wrist: +z points to the base of the middle finger, +x out of the palm
    (the normal of wrist, index base and middle base), and +y completes it, so that the thumb is
    at +y on a right hand and at -y on a left hand.

    Args:
        landmarks: Positions in any right-handed frame [m], shape (21, 3).
        side: The side of the human hand.

    Returns:
        Positions [m], shape (21, 3).

    Raises:
        InputError: The landmarks are malformed, or their palm has no direction.
    """
    landmarks = check_landmarks(landmarks)
    centred = landmarks - landmarks[WRIST]
    forward = centred[MIDDLE_MCP] / np.linalg.norm(centred[MIDDLE_MCP])
    normal = np.cross(centred[INDEX_MCP], forward)
    if side == "left":
        normal = -normal
    length = float(np.linalg.norm(normal))
    if length < 1e-3:
        raise InputError("wrist, index and middle finger lie on one line, so the palm has no side")
    normal = normal / length
    axes = np.stack([normal, np.cross(forward, normal), forward])
    return centred @ axes.T
