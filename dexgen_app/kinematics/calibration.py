"""How large a person's hand is beside the robot's: one scale a finger, kept in a profile."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomli_w

from dexgen_app import paths
from dexgen_app.errors import InputError
from dexgen_app.files import replacing
from dexgen_app.kinematics.landmarks import check_landmarks
from dexgen_app.kinematics.model import HandModel
from dexgen_app.spec import FingerSpec, HandSpec

SCHEMA = 1
"""Version of the profile files."""

MIN_FRAMES = 5
"""Frames of an open hand that a calibration needs."""

STRAIGHTNESS = 0.9
"""A finger counts as straight when its base-to-tip distance reaches this part of its length."""

SCALE_RANGE = (0.3, 4.0)
"""Believable ratios of robot to human hand."""

TYPICAL_LENGTH = {
    "thumb": 0.1052,
    "index": 0.0818,
    "middle": 0.0923,
    "ring": 0.0883,
    "little": 0.0705,
}
"""Base to tip of an adult's straight finger [m]; used where nobody was measured.

Mean bone lengths with soft tips of Buryanov and Kotiuk, Proportions of Hand Segments (2010); the
thumb counts from its CMC joint, the fingers from their MCP joints.
"""

TYPICAL_MIDDLE_LENGTH = {
    "thumb": 0.0462,
    "index": 0.0398,
    "middle": 0.0446,
    "ring": 0.0414,
    "little": 0.0327,
}
"""Base to middle joint of an adult's finger [m], from the same source."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Ratios of the robot's size to a person's, in the order of ``HandSpec.fingers``.

    Attributes:
        hand_id: The robot hand.
        tip_scale: Multiplies the base-to-tip vector of every finger.
        middle_scale: Multiplies the base-to-middle-joint vector of every finger.
    """

    hand_id: str
    tip_scale: tuple[float, ...]
    middle_scale: tuple[float, ...]

    def __post_init__(self) -> None:
        scales = (*self.tip_scale, *self.middle_scale)
        low, high = SCALE_RANGE
        if len(self.tip_scale) != len(self.middle_scale) or not scales:
            raise InputError(
                "a calibration needs one tip scale and one middle scale for every finger",
                where=f"calibration of {self.hand_id}",
            )
        if not all(low <= scale <= high for scale in scales):
            raise InputError(
                f"a scale is not within {low:g} to {high:g}: {[round(s, 3) for s in scales]}",
                where=f"calibration of {self.hand_id}",
                remedy="Calibrate again, with landmarks in metres",
            )


def default_calibration(spec: HandSpec) -> Calibration:
    """Return the calibration of a typical adult's hand."""
    names = [finger.name for finger in spec.fingers]
    return _calibration(
        spec,
        np.array([TYPICAL_LENGTH[name] for name in names]),
        np.array([TYPICAL_MIDDLE_LENGTH[name] for name in names]),
    )


def _calibration(spec: HandSpec, tips: np.ndarray, middles: np.ndarray) -> Calibration:
    """Return the calibration of a person with these finger lengths [m], shape (F,) each."""
    hand = HandModel(spec)
    robot_tips, robot_middles = np.array([hand.finger_length(f) for f in spec.fingers]).T
    return Calibration(
        hand_id=spec.id,
        tip_scale=tuple((robot_tips / tips).tolist()),
        middle_scale=tuple((robot_middles / middles).tolist()),
    )


def _lengths(landmarks: np.ndarray, finger: FingerSpec) -> tuple[float, float]:
    """Return a human finger's length from its base to the tip and to its middle joint [m]."""
    segments = np.linalg.norm(np.diff(landmarks[list(finger.landmarks)], axis=0), axis=1)
    return float(segments.sum()), float(segments[0])


def straightness(landmarks: np.ndarray, finger: FingerSpec) -> float:
    """Return how straight a human finger is: base-to-tip distance over its length, 0 to 1."""
    reach = float(np.linalg.norm(landmarks[finger.landmarks[3]] - landmarks[finger.landmarks[0]]))
    return reach / max(_lengths(landmarks, finger)[0], 1e-9)


def calibrate(frames: Sequence[np.ndarray] | np.ndarray, spec: HandSpec) -> Calibration:
    """Measure a person's hand from a few frames in which its fingers are straight.

    Malformed frames are left out, and so are those in which a finger is bent, because trackers
    measure straight fingers best; the median over the rest is used, so single bad frames do no
    harm.

    Args:
        frames: Landmarks in any frame [m], shape (n, 21, 3).
        spec: The robot hand that will be driven.

    Returns:
        The person's calibration for this hand.

    Raises:
        InputError: Every frame is malformed, or too few frames show an open hand.
    """
    open_frames = []
    bent: dict[str, int] = {}
    total = 0
    refused: InputError | None = None
    for frame in frames:
        total += 1
        try:
            landmarks = check_landmarks(frame)
        except InputError as error:
            refused = refused or error
            continue
        fingers = [f for f in spec.fingers if straightness(landmarks, f) < STRAIGHTNESS]
        for finger in fingers:
            bent[finger.name] = bent.get(finger.name, 0) + 1
        if not fingers:
            open_frames.append(landmarks)
    if refused is not None and not open_frames and not bent:
        raise refused
    if len(open_frames) < MIN_FRAMES:
        worst = max(bent, key=lambda name: bent[name]) if bent else ""
        hint = f"; the {worst} finger was bent in {bent[worst]} of them" if worst else ""
        raise InputError(
            f"{len(open_frames)} of {total} frames show an open hand, "
            f"{MIN_FRAMES} are needed{hint}",
            where="calibration",
            remedy="Hold the hand open and flat, with straight fingers, and try again",
        )
    lengths = np.array([[_lengths(frame, f) for f in spec.fingers] for frame in open_frames])
    tips, middles = np.median(lengths, axis=0).T
    return _calibration(spec, tips, middles)


def profile_path(name: str) -> Path:
    """Return the file of the profile ``name``.

    Raises:
        InputError: The name cannot be a file name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise InputError(
            f"{name!r} cannot name a profile",
            remedy="Use letters, digits, dots, hyphens and underscores",
        )
    return paths.profiles_dir() / f"{name}.toml"


def _read(path: Path) -> dict:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"the profile is not valid TOML: {error}",
            where=str(path),
            remedy="Correct it, or delete it and calibrate again",
        ) from error
    if content.get("schema") != SCHEMA or not isinstance(content.get("hands", {}), dict):
        raise InputError(
            f"the profile has schema {content.get('schema')!r}, not {SCHEMA}",
            where=str(path),
            remedy="Delete it and calibrate again",
        )
    return content


def load_profile(name: str, spec: HandSpec) -> Calibration:
    """Return the calibration of the person ``name`` for the hand ``spec``.

    Raises:
        InputError: There is no such profile, it is damaged, or it does not know this hand.
    """
    path = profile_path(name)
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.toml"))) or "none"
        raise InputError(
            f"there is no profile {name!r}; profiles: {known}", remedy="Calibrate first"
        )
    entry = _read(path).get("hands", {}).get(spec.id)
    if entry is None:
        raise InputError(
            f"the profile {name!r} has no calibration for {spec.id}",
            where=str(path),
            remedy="Calibrate for this hand",
        )
    try:
        calibration = Calibration(
            hand_id=spec.id,
            tip_scale=tuple(float(s) for s in entry["tip_scale"]),
            middle_scale=tuple(float(s) for s in entry["middle_scale"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the entry of {spec.id} is damaged: {error!r}",
            where=str(path),
            remedy="Calibrate again",
        ) from error
    if len(calibration.tip_scale) != len(spec.fingers):
        raise InputError(
            f"the entry of {spec.id} has {len(calibration.tip_scale)} fingers, "
            f"not {len(spec.fingers)}",
            where=str(path),
            remedy="Calibrate again",
        )
    return calibration


def save_profile(name: str, calibration: Calibration) -> Path:
    """Keep a calibration in the profile ``name`` beside those for other hands.

    Returns:
        The profile's file.

    Raises:
        InputError: The name is unusable, or the existing profile is damaged.
    """
    path = profile_path(name)
    content = _read(path) if path.is_file() else {"schema": SCHEMA, "name": name}
    content.setdefault("hands", {})[calibration.hand_id] = {
        "tip_scale": [round(s, 6) for s in calibration.tip_scale],
        "middle_scale": [round(s, 6) for s in calibration.middle_scale],
    }
    with replacing(path) as temporary, temporary.open("wb") as file:
        tomli_w.dump(content, file)
    return path
