"""Keeps the fingers of a hand out of each other while its joints are solved for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import mink
import mujoco
import numpy as np

from dexgen_app.kinematics.model import HandModel, ancestors

DETECTION = 0.010
"""Distance below which a pair of geoms limits the motion [m]."""


def colliding_pairs(
    model: mujoco.MjModel, *, apart: np.ndarray | None = None
) -> list[tuple[int, int]]:
    """Return the pairs of geoms that MuJoCo would let collide, without ground and neighbours.

    Args:
        model: The hand.
        apart: If given, only pairs on bodies with different, non-negative labels count; one
            label a body, shape (nbody,).

    Returns:
        Pairs of geom ids.
    """
    excluded = {int(s) for s in model.exclude_signature}
    weld = model.body_weldid
    solid = [
        g
        for g in range(model.ngeom)
        if model.geom_bodyid[g] > 0 and (model.geom_contype[g] or model.geom_conaffinity[g])
    ]
    pairs = []
    for index, first in enumerate(solid):
        for second in solid[index + 1 :]:
            a, b = sorted((int(model.geom_bodyid[first]), int(model.geom_bodyid[second])))
            masks = (
                model.geom_contype[first] & model.geom_conaffinity[second]
                or model.geom_contype[second] & model.geom_conaffinity[first]
            )
            related = (
                weld[a] == weld[b]
                or weld[model.body_parentid[weld[b]]] == weld[a]
                or weld[model.body_parentid[weld[a]]] == weld[b]
            )
            if not masks or related or (a << 16) + b in excluded:
                continue
            if apart is not None and (apart[a] == apart[b] or min(apart[a], apart[b]) < 0):
                continue
            pairs.append((first, second))
    return pairs


class SelfCollisionLimit(mink.Limit):
    """Inequality that lets two geoms approach no closer than a margin.

    A pair that is already closer is only kept from getting closer still, so the programme always
    has the solution of standing still.

    Args:
        model: The hand.
        pairs: Pairs of geom ids.
        margins: Smallest distance of each pair [m]; negative allows an overlap, as where
            fingertips press on each other.
        gain: Part of the free distance that one step may use.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        pairs: Sequence[tuple[int, int]],
        margins: np.ndarray,
        gain: float = 0.9,
    ) -> None:
        self._model = model
        self.pairs = np.array(pairs, dtype=int).reshape(-1, 2)
        self._margins = np.asarray(margins, dtype=float)
        self._gain = gain
        self._reach_squared = (model.geom_rbound[self.pairs].sum(axis=1) + DETECTION) ** 2
        self._segment = np.zeros(6)
        self._jacobians = np.zeros((2, 3, model.nv))

    def compute_qp_inequalities(
        self, configuration: mink.Configuration, dt: float
    ) -> mink.Constraint:
        """Return ``G dq <= h`` for the pairs that are near each other."""
        del dt
        data = configuration.data
        centers = data.geom_xpos[self.pairs]
        between = centers[:, 0] - centers[:, 1]
        near = np.einsum("ij,ij->i", between, between) < self._reach_squared
        rows, bounds = [], []
        for index in np.flatnonzero(near):
            row = self._row(data, int(index))
            if row is not None:
                rows.append(row[0])
                bounds.append(row[1])
        if not rows:
            return mink.Constraint()
        return mink.Constraint(G=np.array(rows), h=np.array(bounds))

    def _row(self, data: mujoco.MjData, index: int) -> tuple[np.ndarray, float] | None:
        model, segment = self._model, self._segment
        first, second = (int(g) for g in self.pairs[index])
        distance = mujoco.mj_geomDistance(model, data, first, second, DETECTION, segment)
        if distance >= DETECTION:
            return None
        length = math.dist(segment[:3], segment[3:])
        if length < 1e-9:
            return None
        # The segment runs from the first geom's surface to the second's; in an overlap it is
        # turned round, and so is the sense in which moving apart lengthens it.
        normal = (segment[3:] - segment[:3]) / length * (1.0 if distance > 0.0 else -1.0)
        for jacobian, point, geom in zip(
            self._jacobians, (segment[:3], segment[3:]), (first, second)
        ):
            mujoco.mj_jac(model, data, jacobian, None, point, model.geom_bodyid[geom])
        approach = normal @ (self._jacobians[0] - self._jacobians[1])
        return approach, self._gain * max(distance - self._margins[index], 0.0)


def finger_separation(hand: HandModel, overlap: float) -> SelfCollisionLimit:
    """Return the limit that keeps fingers out of each other and fingertips out of the palm.

    Only links from the middle joint on count, and against the palm only the tips: the rest of a
    hand is built so that it can hardly touch. Pairs that touch in the open hand touch
    by design and are left out.

    Args:
        hand: The hand.
        overlap: How far thumb and finger may press into each other [m].
    """
    model = hand.mj_model
    fingers, tips, thumb = _finger_labels(hand)
    pairs = []
    for pair in colliding_pairs(model, apart=fingers):
        a, b = model.geom_bodyid[list(pair)]
        if (fingers[a] > 0 or tips[b]) and (fingers[b] > 0 or tips[a]):
            pairs.append(pair)
    hand.tips(np.array(hand.spec.home))
    pairs = [p for p in pairs if mujoco.mj_geomDistance(model, hand.mj_data, *p, 0.001, None) > 0.0]
    labels = fingers[model.geom_bodyid[np.array(pairs, dtype=int).reshape(-1, 2)]]
    pinch = (labels == thumb).any(axis=1) & (labels > 0).all(axis=1)
    return SelfCollisionLimit(model, pairs, np.where(pinch, -overlap, 0.0))


def _finger_labels(hand: HandModel) -> tuple[np.ndarray, np.ndarray, int]:
    """Return a label of every body, whether it carries a tip, and the thumb's label.

    The label is 0 for the palm, -1 for links before a middle joint, and 1 and up for the rest of
    the fingers.
    """
    model = hand.mj_model
    fingers = np.zeros(model.nbody, dtype=int)
    tips = np.zeros(model.nbody, dtype=bool)
    thumb = -1
    for label, finger in enumerate(hand.spec.fingers, start=1):
        root = int(model.jnt_bodyid[model.joint(finger.joints[0]).id])
        middle = int(model.site_bodyid[model.site(finger.pip_site).id])
        tip = int(model.site_bodyid[model.site(finger.tip_site).id])
        for body in range(root, model.nbody):
            line = (body, *ancestors(model, body))
            if middle in line:
                fingers[body] = label
                tips[body] = body == tip
            elif root in line:
                fingers[body] = -1
        if finger.name == "thumb":
            thumb = label
    return fingers, tips, thumb
