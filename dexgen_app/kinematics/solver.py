"""One step of inverse kinematics: a small quadratic programme over the joints of a hand.

Tasks, limits and the configuration are mink's; the programme is put together and given to daqp
here, with joint position and speed limits as plain bounds. That is several times cheaper than a
general solver call, which counts at 60 Hz beside everything else that a live session does.
"""

from __future__ import annotations

from collections.abc import Sequence

import daqp
import mink
import numpy as np

from dexgen_app.kinematics.model import SCALAR_JOINTS, HandModel
from dexgen_app.kinematics.tasks import CouplingTask

LIMIT_GAIN = 0.95
"""Part of the way to a position limit that one step may use."""

STEP_PARTS = (1.0, 0.5, 0.2)
"""Parts of a step that are tried; if none brings the hand closer, it stays."""

UNBOUNDED = 1e30
"""What daqp takes for infinity."""


class HandSolver:
    """Moves a hand's joints towards tasks, within its limits.

    Args:
        hand: The hand.
        separation: What keeps its fingers apart.
        posture_cost: Weight of the open pose [1/rad].
        damping: Levenberg-Marquardt damping.
        margin: Distance that is kept from the position limits [rad].
    """

    def __init__(
        self,
        hand: HandModel,
        separation: mink.Limit,
        posture_cost: float,
        damping: float,
        margin: float = 0.0,
    ) -> None:
        model, spec = hand.mj_model, hand.spec
        self._hand = hand
        self._separation = separation
        self._posture = posture_cost**2
        self._damping = damping
        self._coupling = [CouplingTask(model, hand.followers)] if hand.followers else []
        self.configuration = mink.Configuration(model)
        dofs = [int(model.jnt_dofadr[model.joint(name).id]) for name in spec.joint_names]
        # Joints that are not declared as driven keep the limits of the model.
        self._lower, self._upper = np.full((2, model.nv), [[-UNBOUNDED], [UNBOUNDED]])
        self._positions = np.zeros(model.nv, dtype=int)
        for joint in range(model.njnt):
            if int(model.jnt_type[joint]) in SCALAR_JOINTS:
                dof = int(model.jnt_dofadr[joint])
                self._positions[dof] = model.jnt_qposadr[joint]
                if model.jnt_limited[joint]:
                    self._lower[dof], self._upper[dof] = model.jnt_range[joint]
        low, high = spec.limits
        self._lower[dofs] = np.minimum(low + margin, (low + high) / 2.0)
        self._upper[dofs] = np.maximum(high - margin, (low + high) / 2.0)
        self._speed = np.full(model.nv, UNBOUNDED)
        self._speed[dofs] = spec.max_speed
        self._home = hand.configuration(np.array(spec.home))[self._positions]

    def reset(self, q: np.ndarray) -> None:
        """Continue from joint positions ``q`` [rad] in the order of the hand's joints."""
        self.configuration.update(self._hand.configuration(q))

    @property
    def q(self) -> np.ndarray:
        """Joint positions [rad] in the order of the hand's joints, within their limits."""
        low, high = self._hand.spec.limits
        return np.clip(self.configuration.data.qpos[self._hand.qpos_indices], low, high)

    def step(self, tasks: Sequence[mink.Task], dt: float) -> bool:
        """Move the joints by at most their speed limits for ``dt`` [s].

        Returns:
            Whether the programme had a solution; if not, the joints stay.
        """
        configuration = self.configuration
        residuals = [t.compute_qp_residual(configuration) for t in self._all(tasks)]
        jacobian = np.concatenate([r[0] for r in residuals])
        error = np.concatenate([r[1] for r in residuals])
        position = configuration.data.qpos[self._positions]
        hessian = jacobian.T @ jacobian
        hessian.flat[:: len(position) + 1] += self._damping + self._posture
        gradient = self._posture * (position - self._home) - error @ jacobian
        # A joint outside its limits may stay, so standing still is always allowed.
        low = np.minimum(np.maximum(LIMIT_GAIN * (self._lower - position), -self._speed * dt), 0.0)
        high = np.maximum(np.minimum(LIMIT_GAIN * (self._upper - position), self._speed * dt), 0.0)
        limit = self._separation.compute_qp_inequalities(configuration, dt)
        if limit.inactive:
            rows = np.zeros((0, len(position)))
        else:
            rows = limit.G
            high = np.concatenate([high, limit.h])
            low = np.concatenate([low, np.full(len(limit.h), -UNBOUNDED)])
        move, _, flag, _ = daqp.solve(
            hessian, gradient, rows, high, low, np.zeros(len(high), dtype=np.int32)
        )
        if flag < 1 or not np.isfinite(move).all():
            return False
        return self._search(tasks, position, move, error)

    def _search(
        self, tasks: Sequence[mink.Task], start: np.ndarray, move: np.ndarray, error: np.ndarray
    ) -> bool:
        """Take the longest part of ``move`` that brings the tasks closer.

        The programme sees the hand as linear. Where it is not, as with a straight finger, a whole
        step can overshoot and the next one can throw it back, for ever.
        """
        before = self._cost(start, error)
        for part in STEP_PARTS:
            position = start + part * move
            self.configuration.data.qpos[self._positions] = position
            self.configuration.update()
            errors = [t.cost * t.compute_error(self.configuration) for t in self._all(tasks)]
            if self._cost(position, np.concatenate(errors)) < before:
                return True
        self.configuration.data.qpos[self._positions] = start
        self.configuration.update()
        return True

    def _cost(self, position: np.ndarray, error: np.ndarray) -> float:
        """Return the sum of squares that the programme minimises."""
        away = position - self._home
        return float(error @ error + self._posture * (away @ away))

    def _all(self, tasks: Sequence[mink.Task]) -> Sequence[mink.Task]:
        return (*tasks, *self._coupling)
