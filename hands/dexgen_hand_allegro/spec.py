"""The declarations of the right and the left Allegro Hand."""

from __future__ import annotations

from dexgen_app.spec import FingerSpec, HandSpec
from dexgen_app.spec.hand import Side
from dexgen_hand_allegro.description import FINGER_LIMITS, MAX_EFFORT, THUMB_LIMITS

_MAX_SPEED = 8.0
"""Speed limit of every joint [rad/s]; the manufacturer states 0.11 s per 60 degrees unloaded."""

_LIMITS = (*FINGER_LIMITS * 3, *THUMB_LIMITS)

_HOME = (
    *((0.0, 0.05, 0.15, 0.15) * 3),
    *(1.0, 0.40, 0.30, 0.30),
)
"""Fingers almost straight, the thumb out to its side [rad]."""

_GRASP = (
    *(0.06, 1.29, 0.34, 0.11),
    *(0.07, 1.20, 0.16, 0.15),
    *(0.13, 1.17, 0.54, 0.22),
    *(1.12, 1.14, 0.85, -0.09),
)
"""Fingertip grasp of a 6 cm object: the canonical pose of HORA (arXiv 2210.04887) [rad]."""

_GRASP_CENTER = (0.1234, 0.0070, 0.0863)
"""Midway between the thumb's tip and the mean of the other tips in ``_GRASP`` [m]."""

_FINGERS = tuple(
    FingerSpec(
        name=name,
        joints=tuple(f"{prefix}j{i}" for i in range(4)),
        tip_site=f"{prefix}_tip",
        pip_site=f"{prefix}_pip",
        landmarks=landmarks,
    )
    for name, prefix, landmarks in (
        ("index", "ff", (5, 6, 7, 8)),
        ("middle", "mf", (9, 10, 11, 12)),
        ("ring", "rf", (13, 14, 15, 16)),
        ("thumb", "th", (1, 2, 3, 4)),
    )
)


def _mirrored(pose: tuple[float, ...]) -> tuple[float, ...]:
    """Return the pose of the left hand that mirrors ``pose``: spread joints change sign."""
    return tuple(-v if i in (0, 4, 8) else v for i, v in enumerate(pose))


def _hand(side: Side) -> HandSpec:
    x, y, z = _GRASP_CENTER
    left = side == "left"
    return HandSpec(
        id=f"allegro_{side}",
        title=f"Allegro Hand ({side})",
        side=side,
        model=f"dexgen_hand_allegro:models/{side}.xml",
        joint_names=tuple(joint for finger in _FINGERS for joint in finger.joints),
        lower=tuple(low for low, _ in _LIMITS),
        upper=tuple(high for _, high in _LIMITS),
        max_speed=(_MAX_SPEED,) * 16,
        max_effort=(MAX_EFFORT,) * 16,
        home=_mirrored(_HOME) if left else _HOME,
        fingers=_FINGERS,
        grasp=_mirrored(_GRASP) if left else _GRASP,
        grasp_center=(x, -y, z) if left else (x, y, z),
        palm_site="palm",
        aliases=("allegro-left",) if left else ("allegro", "allegro-right"),
    )


RIGHT = _hand("right")
LEFT = _hand("left")
