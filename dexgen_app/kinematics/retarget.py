"""Retargeting: what a person's hand does becomes joint targets of a robot hand.

Differential inverse kinematics on the hand's own MJCF, one small quadratic programme an
iteration (mink with daqp): fingertips and, lightly, middle joints follow the person's; pairs of
thumb and finger close when the person's close; a weak posture task settles what is left open.
Joint limits and speed limits are constraints, so no input, however wild, can break them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import mink
import mujoco
import numpy as np

from dexgen_app.errors import InputError
from dexgen_app.kinematics.calibration import Calibration, default_calibration
from dexgen_app.kinematics.frames import mirror
from dexgen_app.kinematics.landmarks import (
    FINGER_LANDMARKS,
    landmarks_from_openxr,
    to_hand_frame,
)
from dexgen_app.kinematics.model import HandModel
from dexgen_app.kinematics.self_collision import finger_separation
from dexgen_app.kinematics.tasks import CouplingTask, PairTask, PointTask
from dexgen_app.spec import HandCommand, HandSpec, InputKind, TeleopSample
from dexgen_app.spec.hand import Side

_log = logging.getLogger(__name__)

_NEIGHBOURS = {"little": ("ring", "middle"), "ring": ("middle", "little"), "middle": ("index",)}
"""Which robot finger stands in for a human finger that the robot lacks."""

MAX_REACH = 1.0
"""Farthest fingertip position that is taken for a hand [m]."""


@dataclass(frozen=True, kw_only=True)
class RetargetConfig:
    """Weights of the tasks.

    Attributes:
        iterations: Quadratic programmes a frame.
        tip_cost: Weight of a fingertip [1/m].
        middle_cost: Weight of a middle joint [1/m].
        pinch_cost: Weight of a closed pair [1/m].
        posture_cost: Weight of the posture [1/rad].
        damping: Levenberg-Marquardt damping of the programme.
        pinch_start: Human gap below which a pair begins to count [m].
        pinch_full: Human gap below which a pair counts fully [m].
        pinch_free: Human gap above which the robot keeps the person's gap, scaled [m].
        pinch_closed: Human gap below which the robot's tips touch [m].
        overlap: How far thumb and finger may press into each other [m]; real pads are soft.
    """

    iterations: int = 2
    tip_cost: float = 1.0
    middle_cost: float = 0.2
    pinch_cost: float = 20.0
    posture_cost: float = 0.003
    damping: float = 1e-5
    pinch_start: float = 0.050
    pinch_full: float = 0.015
    pinch_free: float = 0.020
    pinch_closed: float = 0.008
    overlap: float = 0.008


class Retargeter:
    """Turns teleoperation samples into joint targets of one hand.

    Args:
        spec: The hand.
        calibration: The person's scales; None stands for a typical adult.
        dt: Time between two calls [s]; bounds the motion of one call.
        human_side: Side of the person's hand; None means the robot's. The other hand's motion is
            mirrored.
        config: Weights of the tasks.

    Raises:
        ModelError: The model lacks a joint or a site of ``spec``.
        InputError: The calibration belongs to another hand.
    """

    def __init__(
        self,
        spec: HandSpec,
        calibration: Calibration | None = None,
        dt: float = 1.0 / 60.0,
        *,
        human_side: Side | None = None,
        config: RetargetConfig | None = None,
    ) -> None:
        self.spec = spec
        self.config = config or RetargetConfig()
        self.calibration = calibration or default_calibration(spec)
        self._human_side: Side = human_side or spec.side
        if len(self.calibration.tip_scale) != len(spec.fingers):
            raise InputError(
                f"the calibration of {self.calibration.hand_id} has "
                f"{len(self.calibration.tip_scale)} fingers, not {len(spec.fingers)}",
                where=f"hand {spec.id}",
                remedy="Calibrate for this hand",
            )
        self._dt = dt
        self.hand = HandModel(spec)
        self._qpos = self.hand.qpos_indices
        model = self.hand.mj_model
        self._configuration = mink.Configuration(model)
        self._limits = self._make_limits(model)
        self._make_tasks(model)
        self.reset(np.array(spec.home))

    @property
    def tip_targets(self) -> np.ndarray:
        """Where the last sample wanted the fingertips, in the hand frame [m], shape (F, 3)."""
        return self.hand.to_hand(self._tip_task.target)

    def _make_limits(self, model: mujoco.MjModel) -> list[mink.Limit]:
        """Return the declared position and speed limits; the model's may be wider."""
        for name, low, high in zip(self.spec.joint_names, self.spec.lower, self.spec.upper):
            joint = model.joint(name).id
            model.jnt_limited[joint] = 1
            model.jnt_range[joint] = low, high
        speeds = dict(zip(self.spec.joint_names, self.spec.max_speed))
        return [
            mink.ConfigurationLimit(model),
            mink.VelocityLimit(model, speeds),
            finger_separation(self.hand, self.config.overlap),
        ]

    def _make_tasks(self, model: mujoco.MjModel) -> None:
        spec, config = self.spec, self.config
        fingers = spec.fingers
        tips = [model.site(f.tip_site).id for f in fingers]
        middles = [model.site(f.pip_site).id for f in fingers]
        self._tip_task = PointTask(tips, np.full(len(tips), config.tip_cost))
        self._middle_task = PointTask(middles, np.full(len(middles), config.middle_cost))
        self._posture = mink.PostureTask(model, cost=config.posture_cost)
        self._posture.set_target(self.hand.configuration(np.array(spec.home)))
        self._coupling = [CouplingTask(model, self.hand.followers)] if self.hand.followers else []
        names = [f.name for f in fingers]
        self._thumb = names.index("thumb") if "thumb" in names else None
        self._opposing = [i for i, name in enumerate(names) if name != "thumb"]
        self._pinch_sources = [_human_tips(names[i], names) for i in self._opposing]
        self._pair_task = None
        if self._thumb is not None and self._opposing:
            self._pair_task = PairTask([tips[i] for i in self._opposing], tips[self._thumb])
        self._bases = np.array([self.hand.finger_base(f) for f in fingers])
        self._base_landmarks = [f.landmarks[0] for f in fingers]
        self._tip_landmarks = [f.landmarks[3] for f in fingers]
        self._middle_landmarks = [f.landmarks[1] for f in fingers]
        self._tip_scale = np.array(self.calibration.tip_scale)[:, None]
        self._middle_scale = np.array(self.calibration.middle_scale)[:, None]

    def reset(self, q: np.ndarray) -> None:
        """Continue from joint positions ``q`` [rad], shape (joint_count,).

        Raises:
            InputError: The shape is wrong or a value is not finite.
        """
        q = self._check(np.asarray(q, dtype=float), (self.spec.joint_count,))
        self._last = np.clip(q, self.spec.limits[0], self.spec.limits[1])
        self._configuration.update(self.hand.configuration(self._last))

    def retarget(self, sample: TeleopSample) -> HandCommand:
        """Return joint targets for a sample of any kind.

        A sample that has lost the hand, or of kind ``NONE``, repeats the last targets. Every
        call moves a joint by no more than its speed limit allows in ``dt``, except for samples
        of kind ``JOINTS``, which are only clamped to the position limits.

        Raises:
            InputError: The values are malformed, not finite or no hand.
        """
        if sample.tracked and sample.kind == InputKind.JOINTS:
            q = self._check(np.asarray(sample.values, dtype=float), (self.spec.joint_count,))
            self.reset(q)
        elif sample.tracked and sample.kind == InputKind.FINGERTIPS:
            self._solve_fingertips(np.asarray(sample.values, dtype=float))
        elif sample.tracked and sample.kind == InputKind.LANDMARKS_21:
            self._solve_landmarks(sample.values)
        elif sample.tracked and sample.kind == InputKind.OPENXR_26:
            self._solve_landmarks(landmarks_from_openxr(sample.values))
        return HandCommand(born_ns=sample.born_ns, position=self._last.copy())

    def _check(self, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if values.shape != shape:
            raise InputError(
                f"the values have shape {values.shape}, not {shape}",
                where=f"hand {self.spec.id}",
                remedy="The device must be made for this hand",
            )
        if not np.isfinite(values).all():
            raise InputError("a value is not finite", where=f"hand {self.spec.id}")
        return values

    def _solve_fingertips(self, tips: np.ndarray) -> None:
        self._check(tips, (len(self.spec.fingers), 3))
        if np.abs(tips).max() > MAX_REACH:
            raise InputError(
                f"a fingertip is {np.abs(tips).max():.3g} m from the wrist",
                where=f"hand {self.spec.id}",
                remedy="Fingertips must be in metres in the hand frame",
            )
        self._tip_task.target = self.hand.to_world(tips)
        self._solve([self._tip_task])

    def _solve_landmarks(self, values: np.ndarray) -> None:
        human = to_hand_frame(values, self._human_side)
        if self._human_side != self.spec.side:
            human = mirror(human)
        to_world = self.hand.to_world
        bases = human[self._base_landmarks]
        tips = self._bases + (human[self._tip_landmarks] - bases) * self._tip_scale
        middles = self._bases + (human[self._middle_landmarks] - bases) * self._middle_scale
        self._tip_task.target = to_world(tips)
        self._middle_task.target = to_world(middles)
        tasks: list[mink.Task] = [self._tip_task, self._middle_task]
        if self._pair_task is not None and self._aim_pairs(human):
            tasks.append(self._pair_task)
        self._solve(tasks)

    def _aim_pairs(self, human: np.ndarray) -> bool:
        """Set the pinch pairs for a hand's landmarks; tell whether any of them counts."""
        assert self._pair_task is not None and self._thumb is not None
        config = self.config
        thumb_tip = human[FINGER_LANDMARKS["thumb"][3]]
        closeness = np.zeros(len(self._opposing))
        vectors = np.zeros((len(self._opposing), 3))
        for row, (finger, sources) in enumerate(zip(self._opposing, self._pinch_sources)):
            apart = human[sources] - thumb_tip
            gaps = np.linalg.norm(apart, axis=1)
            nearest = int(np.argmin(gaps))
            gap = float(gaps[nearest])
            span = config.pinch_start - config.pinch_full
            closeness[row] = _ramp((config.pinch_start - gap) / span)
            opening = (gap - config.pinch_closed) / (config.pinch_free - config.pinch_closed)
            scale = (self._tip_scale[finger, 0] + self._tip_scale[self._thumb, 0]) / 2.0
            vectors[row] = apart[nearest] * scale * _ramp(opening)
        # The closest pair comes first: a neighbour that is merely near must make way for it.
        share = closeness / max(float(closeness.max()), 1e-9)
        self._pair_task.set_cost(config.pinch_cost * closeness * share**3)
        self._pair_task.target = self.hand.turn_to_world(vectors)
        return bool(closeness.any())

    def _solve(self, tasks: list[mink.Task]) -> None:
        """Step the joints towards the tasks; on an unsolvable programme they stay."""
        step = self._dt / self.config.iterations
        for _ in range(self.config.iterations):
            try:
                velocity = mink.solve_ik(
                    self._configuration,
                    [*tasks, self._posture, *self._coupling],
                    step,
                    solver="daqp",
                    damping=self.config.damping,
                    limits=self._limits,
                )
            except mink.NoSolutionFound:
                _log.warning("hand %s: the retargeting programme has no solution", self.spec.id)
                return
            self._configuration.integrate_inplace(velocity, step)
        low, high = self.spec.limits
        self._last = np.clip(self._configuration.q[self._qpos], low, high)


def _ramp(x: float) -> float:
    """Return the smooth step from 0 at x <= 0 to 1 at x >= 1."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


def _human_tips(finger: str, present: list[str]) -> list[int]:
    """Return tip landmarks of the human fingers whose pinch is this robot finger's affair."""
    tips = [FINGER_LANDMARKS[finger][3]]
    for human, stand_ins in _NEIGHBOURS.items():
        chosen = next((name for name in stand_ins if name in present), None)
        if human not in present and chosen == finger:
            tips.append(FINGER_LANDMARKS[human][3])
    return tips
