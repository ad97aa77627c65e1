"""The safety filter: the only door to a hand, simulated or real.

It is a pure object: no clock, no input or output, one ``step`` a tick. In order: fresh input
or hold; dead-man held or hold; STOP or hold; joint limits; speed and step limits; jump
rejection; effort; temperature. To hold is to repeat the last target that was let through.
A value that is not finite never passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from dexgen_app.errors import DexgenError
from dexgen_app.live.row import Clip
from dexgen_app.spec import HandSpec, HandState


def _limit(default: float, lower: float, upper: float, text: str) -> Any:
    """Declare a number with its range and its help line."""
    return field(default=default, metadata={"lower": lower, "upper": upper, "help": text})


@dataclass(frozen=True, kw_only=True)
class SafetyConfig:
    """Settings of the filter and of the watchdogs; every field has a help line.

    ``describe()`` lists them; a value out of its range is refused.
    """

    position_margin: float = _limit(0.01, 0.0, 0.5, "distance kept from the joint limits [rad]")
    speed_scale: float = _limit(1.0, 0.01, 1.0, "share of the joints' top speeds that is allowed")
    max_step: float = _limit(0.2, 0.001, 1.0, "largest change of a target in one tick [rad]")
    jump: float = _limit(0.5, 0.05, 10.0, "input that moves further between ticks jumped [rad]")
    jump_seconds: float = _limit(0.08, 0.0, 5.0, "time a jump must last to be followed [s]")
    effort_scale: float = _limit(1.0, 0.05, 1.0, "share of the torque limits that is allowed")
    temperature_margin: float = _limit(0.0, 0.0, 50.0, "stop so far below the limit [deg C]")
    ramp_seconds: float = _limit(1.0, 0.0, 10.0, "time from a hold to full speed [s]")
    ramp_start: float = _limit(0.1, 0.01, 1.0, "share of the speed when a ramp begins")
    input_timeout: float = _limit(0.15, 0.02, 2.0, "age at which device input is stale [s]")
    heartbeat_timeout: float = _limit(0.25, 0.05, 5.0, "age of the window's last sign of life [s]")

    def __post_init__(self) -> None:
        for item in fields(self):
            value, low, high = getattr(self, item.name), *map(item.metadata.get, _RANGE)
            if not low <= value <= high:
                raise DexgenError(
                    f"{value} is not within {low} to {high}",
                    where=f"safety.{item.name}",
                    remedy=f"It is the {item.metadata['help']}",
                )

    @classmethod
    def for_session(cls, overrides: Mapping[str, float], *, real: bool) -> SafetyConfig:
        """Return the settings of a session: a real hand starts in slow mode.

        Args:
            overrides: Fields by name.
            real: Whether the hand is not simulated.

        Raises:
            DexgenError: There is no such field, or a value is out of its range.
        """
        known = {item.name for item in fields(cls)}
        for name in overrides:
            if name not in known:
                raise DexgenError(
                    "there is no such safety setting",
                    where=f"safety.{name}",
                    remedy=f"Known: {', '.join(sorted(known))}",
                )
        base = cls(speed_scale=0.25, position_margin=0.03) if real else cls()
        return replace(base, **overrides)

    @classmethod
    def describe(cls) -> dict[str, str]:
        """Return the help line of every field."""
        return {item.name: str(item.metadata["help"]) for item in fields(cls)}


_RANGE = ("lower", "upper")
_LONGEST_TICK_S = 0.05
_NO_ANGLE = 1000.0
"""A target beyond this is no joint angle but a broken number [rad]."""

# Plain numbers: arithmetic with the flags themselves is ten times slower.
_STALE_INPUT, _DEAD_MAN, _STOP = int(Clip.STALE_INPUT), int(Clip.DEAD_MAN), int(Clip.STOP)
_NOT_ARMED, _HEARTBEAT, _RAMP = int(Clip.NOT_ARMED), int(Clip.HEARTBEAT), int(Clip.RAMP)
_POSITION_LIMIT, _SPEED_LIMIT = int(Clip.POSITION_LIMIT), int(Clip.SPEED_LIMIT)
_STEP_LIMIT, _JUMP, _EFFORT_LIMIT = int(Clip.STEP_LIMIT), int(Clip.JUMP), int(Clip.EFFORT_LIMIT)
_TEMPERATURE, _NOT_FINITE = int(Clip.TEMPERATURE), int(Clip.NOT_FINITE)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What must all be right for a target to change: see the fields of ``Clip``."""

    armed: bool
    fresh: bool
    dead_man: bool
    heartbeat: bool
    stop: bool

    def clips(self, fresh: bool) -> int:
        """Return the ``Clip`` flags of every reason to hold.

        Args:
            fresh: Whether there is a target to let through at all.
        """
        return (
            (0 if self.fresh and fresh else _STALE_INPUT)
            | (0 if self.dead_man else _DEAD_MAN)
            | (_STOP if self.stop else 0)
            | (0 if self.armed else _NOT_ARMED)
            | (0 if self.heartbeat else _HEARTBEAT)
        )


@dataclass(frozen=True, eq=False)
class FilterResult:
    """What the filter let through.

    Attributes:
        target: Joint targets [rad], shape (J,); always finite.
        clip: ``Clip`` flags, shape (J,), uint32.
        ramp: 0 to 1 while the speed limit rises after a hold.
        hot: Index of a joint that is too warm, -1 if none is.
    """

    target: np.ndarray
    clip: np.ndarray
    ramp: float
    hot: int = -1


class SafetyFilter:
    """Decides for every tick which joint targets a hand gets.

    Args:
        spec: The hand.
        config: The limits.
    """

    def __init__(self, spec: HandSpec, config: SafetyConfig) -> None:
        self.spec = spec
        self.config = config
        self._speed = np.array(spec.max_speed) * config.speed_scale
        self._effort = np.array(spec.max_effort) * config.effort_scale
        self._hottest = spec.max_temperature - config.temperature_margin
        middle = spec.limits.mean(axis=0)
        self._lower = np.minimum(spec.limits[0] + config.position_margin, middle)
        self._upper = np.maximum(spec.limits[1] - config.position_margin, middle)
        self._target: np.ndarray | None = None
        self._forget_input()

    def _forget_input(self) -> None:
        """Begin a ramp and take the next input as it comes."""
        self._ramp_seconds = 0.0
        self._reference = np.full(self.spec.joint_count, np.nan)
        self._elsewhere = np.full(self.spec.joint_count, np.nan)
        self._elsewhere_seconds = np.zeros(self.spec.joint_count)

    @property
    def target(self) -> np.ndarray | None:
        """The last target that was let through [rad], shape (J,); None before ``reset``."""
        return None if self._target is None else self._target.copy()

    def reset(self, state: HandState) -> None:
        """Start from where the hand is: its set-points, or its positions where it has none.

        Raises:
            DexgenError: The hand's position is not known; the message names the joint.
        """
        start = np.where(np.isfinite(state.target), state.target, state.position)
        for name, value in zip(self.spec.joint_names, start):
            if not np.isfinite(value):
                raise DexgenError("the hand does not say where this joint is", where=name)
        self._target = np.array(start, dtype=float)
        self._forget_input()

    def restart_ramp(self) -> None:
        """Limit the speed anew: the source of the input has changed."""
        self._forget_input()

    def step(
        self, candidate: np.ndarray | None, gate: Gate, state: HandState, seconds: float
    ) -> FilterResult:
        """Return what may be sent to the hand in this tick.

        Args:
            candidate: Wanted joint targets [rad], shape (J,); None if nothing is wanted.
            gate: What must all be right.
            state: The hand's newest measurement.
            seconds: Time since the last step [s]; limits the change of the targets.

        Returns:
            The targets, never NaN, and for every joint why they are not the candidate.

        Raises:
            DexgenError: ``reset`` was not called.
        """
        if self._target is None:
            raise DexgenError("the filter does not know where the hand is")
        clip = np.zeros(self.spec.joint_count, np.uint32)
        hot = self._hot_joint(state)
        if hot >= 0:
            clip[hot] = _TEMPERATURE
        reasons = gate.clips(candidate is not None)
        if reasons or hot >= 0 or candidate is None:
            clip |= np.uint32(reasons)
            self._forget_input()
            return FilterResult(self._target.copy(), clip, 0.0, hot)
        last = self._target
        finite = np.abs(candidate) <= _NO_ANGLE  # false for NaN
        wanted = np.where(finite, candidate, last)
        clip += ~finite * np.uint32(_NOT_FINITE)
        inside = np.minimum(np.maximum(wanted, self._lower), self._upper)
        clip += (inside != wanted) * np.uint32(_POSITION_LIMIT)
        # A late tick does not buy a longer step.
        seconds = min(max(seconds, 0.0), _LONGEST_TICK_S)
        delta, ramp = self._within_speed(inside - last, seconds, clip)
        delta[self._jumped(wanted, seconds, clip)] = 0.0
        # A comparison with NaN is false: a torque that is not measured limits nothing.
        pressing = (np.abs(state.effort) >= self._effort) & (delta * state.effort > 0.0)
        delta[pressing] = 0.0
        clip += pressing * np.uint32(_EFFORT_LIMIT)
        self._target = self._never_further_out(last + delta)
        return FilterResult(self._target.copy(), clip, ramp)

    def _never_further_out(self, target: np.ndarray) -> np.ndarray:
        """Undo rounding at the limits; a hand that begins outside them only comes closer."""
        assert self._target is not None
        lower = np.minimum(self._lower, self._target)
        upper = np.maximum(self._upper, self._target)
        return np.asarray(np.minimum(np.maximum(target, lower), upper))

    def _within_speed(
        self, delta: np.ndarray, seconds: float, clip: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Shorten ``delta`` to what speed, ramp and step limit allow in ``seconds``."""
        config = self.config
        ramp = 1.0
        if self._ramp_seconds < config.ramp_seconds:
            ramp = self._ramp_seconds / config.ramp_seconds
        self._ramp_seconds += seconds
        full = self._speed * seconds
        allowed = full * (config.ramp_start + (1.0 - config.ramp_start) * ramp)
        size = np.abs(delta)
        clip += (size > full) * np.uint32(_SPEED_LIMIT)
        if ramp < 1.0:
            clip += (size > allowed) * np.uint32(_RAMP)
        clip += ((size > config.max_step) & (allowed > config.max_step)) * np.uint32(_STEP_LIMIT)
        stepped = np.minimum(allowed, config.max_step)
        return np.minimum(np.maximum(delta, -stepped), stepped), ramp

    def _jumped(self, wanted: np.ndarray, seconds: float, clip: np.ndarray) -> np.ndarray:
        """Find joints whose input left its path; one that stays elsewhere is accepted.

        The input is compared with itself and not with the hand, which may lag far behind.
        """
        jump = self.config.jump
        away = np.abs(wanted - self._reference) > jump  # False while there is no reference
        same = np.abs(wanted - self._elsewhere) <= jump
        waited = np.where(away & same, self._elsewhere_seconds + seconds, 0.0)
        held = away & (waited < self.config.jump_seconds)
        self._elsewhere_seconds = np.where(held, waited, 0.0)
        self._elsewhere = np.where(held, wanted, np.nan)
        self._reference = np.where(held, self._reference, wanted)
        clip += held * np.uint32(_JUMP)
        return held

    def _hot_joint(self, state: HandState) -> int:
        hot = state.temperature >= self._hottest
        return int(np.argmax(hot)) if hot.any() else -1
