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
from dexgen_app.kinematics.solver import HandSolver
from dexgen_app.kinematics.tasks import PairTask, PointTask
from dexgen_app.spec import FingerSpec, HandCommand, HandSpec, InputKind, TeleopSample
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
        pinch_rivalry: Difference of human gaps above which the closest pair has its way [m].
        overlap: How far thumb and finger may press into each other [m]; real pads are soft.
        margin: Distance kept from joint limits [rad]; a little more than the safety filter's, so
            that the filter has nothing to correct.
    """

    iterations: int = 1
    tip_cost: float = 1.0
    middle_cost: float = 0.2
    pinch_cost: float = 20.0
    posture_cost: float = 0.003
    damping: float = 1e-4
    pinch_start: float = 0.050
    pinch_full: float = 0.015
    pinch_free: float = 0.020
    pinch_closed: float = 0.008
    pinch_rivalry: float = 0.008
    overlap: float = 0.008
    margin: float = 0.012


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
        self._solver = HandSolver(
            self.hand,
            finger_separation(self.hand, self.config.overlap),
            self.config.posture_cost,
            self.config.damping,
            self.config.margin,
        )
        self._make_tasks()
        self.reset(np.array(spec.home))

    @property
    def tip_targets(self) -> np.ndarray:
        """Where the last sample wanted the fingertips, in the hand frame [m], shape (F, 3)."""
        return self.hand.to_hand(self._points.target[: len(self.spec.fingers)])

    def _make_tasks(self) -> None:
        fingers, model = self.spec.fingers, self.hand.mj_model
        tips = [model.site(f.tip_site).id for f in fingers]
        middles = [model.site(f.pip_site).id for f in fingers]
        costs = (self.config.tip_cost, self.config.middle_cost)
        self._tips = PointTask(tips, np.full(len(tips), costs[0]))
        self._points = PointTask([*tips, *middles], np.repeat(costs, len(fingers)))
        names = [f.name for f in fingers]
        opposing = [i for i, name in enumerate(names) if name != "thumb"]
        self._pairs = None
        if "thumb" in names and opposing:
            thumb = names.index("thumb")
            self._pairs = PairTask([tips[i] for i in opposing], tips[thumb])
            scale = np.array(self.calibration.tip_scale)
            self._pair_scale = (scale[opposing] + scale[thumb]) / 2.0
            sources = [human_tips(fingers[i], names) for i in opposing]
            self._pair_rows = np.repeat(np.arange(len(opposing)), [len(s) for s in sources])
            self._pair_landmarks = np.concatenate(sources)
            self._thumb_landmark = fingers[thumb].landmarks[3]
        bases = np.array([self.hand.finger_base(f) for f in fingers])
        self._bases = np.concatenate([bases, bases])
        self._base_landmarks = [f.landmarks[0] for f in fingers] * 2
        self._point_landmarks = [f.landmarks[k] for k in (3, 1) for f in fingers]
        scales = (*self.calibration.tip_scale, *self.calibration.middle_scale)
        self._scales = np.array(scales)[:, None]

    def reset(self, q: np.ndarray) -> None:
        """Continue from joint positions ``q`` [rad], shape (joint_count,).

        Raises:
            InputError: The shape is wrong or a value is not finite.
        """
        q = self._check(np.asarray(q, dtype=float), (self.spec.joint_count,))
        self._last = np.clip(q, self.spec.limits[0], self.spec.limits[1])
        self._solver.reset(self._last)

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
        self._tips.target = self._points.target[: len(tips)] = self.hand.to_world(tips)
        self._solve([self._tips])

    def _solve_landmarks(self, values: np.ndarray) -> None:
        human = to_hand_frame(values, self._human_side)
        if self._human_side != self.spec.side:
            human = mirror(human)
        vectors = human[self._point_landmarks] - human[self._base_landmarks]
        self._points.target = self.hand.to_world(self._bases + vectors * self._scales)
        tasks: list[mink.Task] = [self._points]
        if self._pairs is not None and self._aim_pairs(self._pairs, human):
            tasks.append(self._pairs)
        self._solve(tasks)

    def _aim_pairs(self, pairs: PairTask, human: np.ndarray) -> bool:
        """Set the pinch pairs for a hand's landmarks; tell whether any of them counts."""
        config = self.config
        apart = human[self._pair_landmarks] - human[self._thumb_landmark]
        gaps = np.linalg.norm(apart, axis=1)
        if gaps.min() >= config.pinch_start:
            return False
        # Of several human fingers that one robot finger stands for, the nearest counts.
        order = np.lexsort((gaps, self._pair_rows))
        chosen = order[np.unique(self._pair_rows[order], return_index=True)[1]]
        gap = gaps[chosen]
        closeness = _ramp((config.pinch_start - gap) / (config.pinch_start - config.pinch_full))
        opening = _ramp((gap - config.pinch_closed) / (config.pinch_free - config.pinch_closed))
        # The closest pair comes first: a neighbour that is merely near must make way for it.
        share = np.exp(-(((gap - gap.min()) / config.pinch_rivalry) ** 2))
        pairs.set_cost(config.pinch_cost * closeness * share)
        vectors = apart[chosen] * (self._pair_scale * opening)[:, None]
        pairs.target = self.hand.turn_to_world(vectors)
        return True

    def _solve(self, tasks: list[mink.Task]) -> None:
        """Step the joints towards the tasks; on an unsolvable programme they stay."""
        for _ in range(self.config.iterations):
            if not self._solver.step(tasks, self._dt / self.config.iterations):
                _log.warning("hand %s: the retargeting programme has no solution", self.spec.id)
        self._last = self._solver.q


def _ramp(x: np.ndarray) -> np.ndarray:
    """Return the smooth step from 0 at x <= 0 to 1 at x >= 1."""
    x = np.minimum(np.maximum(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


def human_tips(finger: FingerSpec, present: list[str]) -> list[int]:
    """Return tip landmarks of the human fingers whose pinch is this robot finger's affair."""
    tips = [finger.landmarks[3]]
    for human, stand_ins in _NEIGHBOURS.items():
        chosen = next((name for name in stand_ins if name in present), None)
        if human not in present and chosen == finger.name:
            tips.append(FINGER_LANDMARKS[human][3])
    return tips
