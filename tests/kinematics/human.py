"""A human hand made of bone lengths, for tests that need to know what the hand does."""

from __future__ import annotations

import numpy as np

from dexgen_app.kinematics.landmarks import FINGER_LANDMARKS

_BASES = {
    "thumb": (0.010, 0.030, 0.025),
    "index": (0.0, 0.026, 0.092),
    "middle": (0.0, 0.0, 0.095),
    "ring": (0.0, -0.021, 0.089),
    "little": (0.004, -0.038, 0.078),
}
_SEGMENTS = {
    "thumb": (0.045, 0.032, 0.027),
    "index": (0.040, 0.023, 0.020),
    "middle": (0.045, 0.026, 0.021),
    "ring": (0.041, 0.026, 0.021),
    "little": (0.033, 0.018, 0.020),
}


def right_hand(flexion: float = 0.0) -> np.ndarray:
    """Return a right hand in its canonical frame, every finger joint bent by ``flexion`` [rad]."""
    points = np.zeros((21, 3))
    for name, landmarks in FINGER_LANDMARKS.items():
        point = np.array(_BASES[name])
        points[landmarks[0]] = point
        angle = 0.0
        for landmark, length in zip(landmarks[1:], _SEGMENTS[name]):
            if name == "thumb":
                direction = np.array([0.2 + np.sin(angle), 0.75 - np.sin(angle), 0.65])
                angle += 0.6 * flexion
            else:
                angle += flexion
                direction = np.array([np.sin(angle), 0.0, np.cos(angle)])
            point = point + length * direction / np.linalg.norm(direction)
            points[landmark] = point
    return points


def left_hand(flexion: float = 0.0) -> np.ndarray:
    """Return the mirror image of the right hand."""
    return right_hand(flexion) * np.array([1.0, -1.0, 1.0])


def pinch_clip(base: np.ndarray, finger: str, frames: int = 120) -> np.ndarray:
    """Return a clip in which the thumb's tip and a finger's tip meet, stay and part again.

    Both tips move on straight lines and drag their fingers along, shape (frames, 21, 3).
    """
    landmarks = FINGER_LANDMARKS[finger]
    meeting = 0.4 * base[4] + 0.6 * base[landmarks[3]]
    clip = np.repeat(base[None], frames, axis=0)
    for index, frame in enumerate(clip):
        amount = np.clip(1.5 * np.sin(np.pi * index / frames), 0.0, 1.0)
        for chain in (FINGER_LANDMARKS["thumb"], landmarks):
            move = (meeting - base[chain[3]]) * amount
            for weight, landmark in zip((0.0, 0.35, 0.7, 1.0), chain):
                frame[landmark] += weight * move
    return clip


def placed(landmarks: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return landmarks turned and moved at random, as a tracker would see them."""
    from scipy.spatial.transform import Rotation

    rotation = Rotation.random(rng=seed)
    turned = rotation.apply(landmarks.reshape(-1, 3)).reshape(landmarks.shape)
    return turned + np.array([0.3, -0.2, 1.1])
