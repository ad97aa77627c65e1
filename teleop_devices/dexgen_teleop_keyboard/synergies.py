"""Natural movements of any hand, as joint velocities: power grasp, pinch, twist."""

from __future__ import annotations

import numpy as np

from dexgen_app.kinematics.model import HandModel
from dexgen_app.spec import HandSpec

GRASP_RATE = 0.5
"""Share of the way from open to grasp that is moved in a second."""
PINCH_SPEED = 0.06
"""Speed of thumb and index tip towards each other [m/s]."""
TWIST_SPEED = 0.8
"""Speed of a twist about the axis out of the palm [rad/s]."""

_STEP = 1e-5
_DAMPING = 0.01
"""Damping of the least squares [m]; see Nakamura and Hanafusa 1986."""
_PINCH_GAP = 0.012
"""Distance of the tips' sites at which a pinch is closed [m]."""


class Synergies:
    """Joint velocities [rad/s] of a hand's synergies.

    Args:
        hand: The hand.
        model: Its kinematics.
    """

    def __init__(self, hand: HandSpec, model: HandModel) -> None:
        self._hand = hand
        self._model = model
        self._reach = np.array(hand.grasp) - np.array(hand.home)
        names = [finger.name for finger in hand.fingers]
        self._thumb = names.index("thumb") if "thumb" in names else -1
        self._index = names.index("index") if "index" in names else 0

    def velocity(self, name: str, sign: float, q: np.ndarray) -> np.ndarray:
        """Return the joint velocities of a synergy at a pose.

        Args:
            name: ``grasp``, ``pinch`` or ``twist``.
            sign: 1 for closing and turning one way, -1 for opening and turning back.
            q: Joint positions [rad], shape (J,).
        """
        if name == "grasp":
            return self._grasp(sign, q)
        tips = self._model.tips(q)
        if name == "pinch":
            wanted = self._pinch_tips(sign, tips)
        else:
            arms = tips - np.array(self._hand.grasp_center)
            wanted = np.cross([sign * TWIST_SPEED, 0.0, 0.0], arms)
        jacobian = self.jacobian(q, tips)
        moved = np.any(np.abs(wanted) > 0.0, axis=1).repeat(3)
        rows = jacobian[moved]
        square = rows @ rows.T + _DAMPING**2 * np.eye(len(rows))
        return np.asarray(rows.T @ np.linalg.solve(square, wanted.reshape(-1)[moved]))

    def _grasp(self, sign: float, q: np.ndarray) -> np.ndarray:
        """Move every joint along the way from open to grasp; opening goes straight home.

        Closing goes on past the grasp pose: that is what squeezes the object.
        """
        if sign > 0.0:
            return GRASP_RATE * self._reach
        way = np.array(self._hand.home) - q
        top = GRASP_RATE * np.maximum(np.abs(self._reach), 0.3)
        return np.clip(4.0 * way, -top, top)

    def _pinch_tips(self, sign: float, tips: np.ndarray) -> np.ndarray:
        wanted = np.zeros_like(tips)
        if self._thumb < 0 or self._thumb == self._index:
            return wanted
        way = tips[self._index] - tips[self._thumb]
        gap = float(np.linalg.norm(way))
        left = gap - _PINCH_GAP if sign > 0.0 else 0.12 - gap
        speed = float(np.clip(4.0 * left, 0.0, PINCH_SPEED))
        wanted[self._thumb] = sign * speed * way / max(gap, 1e-6)
        wanted[self._index] = -wanted[self._thumb]
        return wanted

    def jacobian(self, q: np.ndarray, tips: np.ndarray) -> np.ndarray:
        """Return d tips / d q by forward differences [m/rad], shape (3 F, J)."""
        columns = np.empty((tips.size, len(q)))
        for joint in range(len(q)):
            moved = q.copy()
            moved[joint] += _STEP
            columns[:, joint] = ((self._model.tips(moved) - tips) / _STEP).reshape(-1)
        return columns
