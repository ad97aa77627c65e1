"""Plays a recording's joint targets on a connected hand, simulated or real.

A pure object that the live loop steps: it never jumps to a first frame but approaches it at a
limited joint speed, follows the recorded clock rather than a fixed rate, waits while the hand is
held back, and reports how far the hand and the object drift from what was recorded.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from dexgen_app.errors import RecordingError
from dexgen_app.live.protocol import ReplayStatus
from dexgen_app.recording.reader import Recording
from dexgen_app.spec import HandState

Phase = Literal["approach", "play", "paused", "done"]

APPROACH_SPEED = 0.8
"""Joint speed of the approach [rad/s]."""
APPROACH_LEAD = 0.1
"""The approach is never further ahead of the target in force than this [rad]."""
MAX_LAG = 0.3
"""The clock waits while the target in force is further behind than this [rad]."""
MAX_JUMP = 0.5
"""A larger change between two ticks is approached, not played [rad]."""
MAX_TICK_S = 0.1
"""A longer pause of the loop delays the replay instead of jumping ahead [s]."""
TOPICS = ("/target", "/hand", "/object", "/scene")
"""Row channels that a playback needs: enough for ``Recording.open``, which is faster then."""
SPEEDS = (0.05, 4.0)
"""Slowest and fastest speed factor."""


class _Statistic:
    """Mean and maximum of the numbers so far; those that are not there do not count."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0
        self.largest = math.nan

    @property
    def mean(self) -> float:
        """Mean, NaN of nothing."""
        return self._sum / self._count if self._count else math.nan

    def add(self, value: float) -> None:
        """Take another number into account."""
        if math.isfinite(value):
            self._count += 1
            self._sum += value
            self.largest = value if self._count == 1 else max(self.largest, value)


class Playback:
    """Targets of a recording, tick by tick.

    Args:
        recording: What is played; check its hand with ``require_hand`` first.
        episode: Number of the episode; -1 plays the whole recording.
        start_s: Where to begin [s], from the begin of the episode or recording.
        end_s: Where to end [s]; negative means at its end.
        speed: Factor on the recorded clock.
        loop: Whether to begin again, with an approach, after the end.

    Raises:
        RecordingError: There is no such episode, no target in it, or the limits make no sense.
    """

    def __init__(
        self,
        recording: Recording,
        episode: int = -1,
        start_s: float = 0.0,
        end_s: float = -1.0,
        speed: float = 1.0,
        *,
        loop: bool = False,
    ) -> None:
        where = str(recording.path)
        rows = recording.rows if episode < 0 else recording.episode_rows(episode)
        rows = rows[np.isfinite(rows["target"]).all(axis=1)]
        if not len(rows):
            raise RecordingError("there are no joint targets to play", where=where)
        rows = rows[np.argsort(rows["stamp_ns"], kind="stable")]
        times = (rows["stamp_ns"] - rows["stamp_ns"][0]) / 1e9
        rows, times = _cut(rows, times, start_s, end_s, where)
        self._times = times - times[0]
        self._targets = rows["target"]
        self._positions = rows["position"]
        self._objects = rows["object_pose"][:, :3]
        # Where nothing tells whether the object is held, as on a real hand, it counts as held.
        self._held = rows["held"].astype(bool) | ~rows["held"].any()
        self.loop = loop
        self.phase: Phase = "approach"
        self.position_s = 0.0
        """Where the replay is on the recorded clock [s]."""
        self.length_s = float(self._times[-1])
        """Length of what is played [s]."""
        self.drift_rad = math.nan
        """Mean absolute difference of the joints to their recorded positions now [rad]."""
        self.object_drift_m = math.nan
        """Distance of the object from its recorded place now, NaN if either is dropped [m]."""
        self._speed = 1.0
        self.speed = speed
        self._now_ns: int | None = None
        self._output: np.ndarray | None = None
        self._joint_drift = _Statistic()
        self._object_drift = _Statistic()
        self.waited_s = 0.0
        """How long the replay has waited for a hand that was held back [s]."""

    @property
    def speed(self) -> float:
        """Factor on the recorded clock; may change while playing."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        if not SPEEDS[0] <= value <= SPEEDS[1]:
            raise RecordingError(
                f"the replay speed {value:g} is not within {SPEEDS[0]:g} to {SPEEDS[1]:g}"
            )
        self._speed = float(value)

    def target_at(self, seconds: float) -> np.ndarray:
        """Return the recorded joint targets at a time, shape (joint_count,) [rad]."""
        return self._at(self._targets, seconds)

    def step(
        self, now_ns: int, current_target: np.ndarray, state: HandState, *, held: bool = True
    ) -> np.ndarray:
        """Let time pass and return the joint targets for this tick.

        Args:
            now_ns: Monotonic time of the tick [ns].
            current_target: Targets that the safety filter let through last [rad]; NaN for none.
            state: The hand's newest state.
            held: False while the object is known not to be in the hand: a dropped object has no
                place to be compared.

        Returns:
            Joint targets for the safety filter, shape (joint_count,) [rad].
        """
        tick_s = 0.0 if self._now_ns is None else (now_ns - self._now_ns) / 1e9
        tick_s = min(max(tick_s, 0.0), MAX_TICK_S)
        self._now_ns = now_ns
        current = np.where(np.isfinite(current_target), current_target, state.position)
        if self._output is None:
            self._output = current.copy()
        if self.phase == "approach":
            self._approach(tick_s, current)
        elif self.phase == "play":
            self._play(tick_s, current, state, held)
        return self._output.copy()

    def pause(self) -> None:
        """Hold where the hand is; ``resume`` goes on."""
        if self.phase != "done":
            self.phase = "paused"

    def resume(self) -> None:
        """Go on after a pause, by approaching the frame at which it was paused."""
        if self.phase == "paused":
            self.phase = "approach"
            self._output = None

    def stop(self) -> None:
        """End the replay; the hand holds where it is."""
        self.phase = "done"

    def seek(self, seconds: float) -> None:
        """Go to another time of the replay [s]; the hand approaches it, also after the end."""
        self.position_s = min(max(seconds, 0.0), self.length_s)
        if self.phase != "paused":
            self.phase = "approach"
            self._output = None

    def status(self) -> ReplayStatus:
        """Return where the replay is and how far it has drifted."""
        joints, object = self._joint_drift, self._object_drift
        return ReplayStatus(
            playing=self.phase in ("approach", "play"),
            position_s=self.position_s,
            length_s=self.length_s,
            drift_rad=self.drift_rad,
            object_drift_m=self.object_drift_m,
            phase=self.phase,
            mean_drift_rad=joints.mean,
            max_drift_rad=joints.largest,
            mean_object_drift_m=object.mean,
            max_object_drift_m=object.largest,
        )

    def _approach(self, tick_s: float, current: np.ndarray) -> None:
        assert self._output is not None
        goal = self.target_at(self.position_s)
        way = goal - self._output
        longest = float(np.abs(way).max())
        step = APPROACH_SPEED * tick_s
        # All joints arrive together; a hand that is held back holds the approach back.
        output = goal if longest <= step else self._output + way * (step / longest)
        self._output = np.clip(output, current - APPROACH_LEAD, current + APPROACH_LEAD)
        if float(np.abs(goal - self._output).max()) < 1e-9:
            self.phase = "play"

    def _play(self, tick_s: float, current: np.ndarray, state: HandState, held: bool) -> None:
        assert self._output is not None
        if float(np.abs(current - self._output).max()) > MAX_LAG:
            self.waited_s += tick_s
            return
        self._measure(state, held)
        position = self.position_s + tick_s * self.speed
        if position >= self.length_s:
            self._output = self.target_at(self.length_s)
            self.position_s = 0.0 if self.loop else self.length_s
            self.phase = "approach" if self.loop else "done"
            return
        self.position_s = position
        target = self.target_at(position)
        if float(np.abs(target - self._output).max()) > MAX_JUMP:
            self.phase = "approach"
            return
        self._output = target

    def _measure(self, state: HandState, held: bool) -> None:
        recorded = self._at(self._positions, self.position_s)
        self.drift_rad = float(np.abs(state.position - recorded).mean())
        self.object_drift_m = math.nan
        here = int(np.searchsorted(self._times, self.position_s, side="right")) - 1
        if state.object_pose is not None and held and self._held[max(here, 0)]:
            place = self._at(self._objects, self.position_s)
            self.object_drift_m = float(np.linalg.norm(state.object_pose[:3] - place))
        self._joint_drift.add(self.drift_rad)
        self._object_drift.add(self.object_drift_m)

    def _at(self, track: np.ndarray, seconds: float) -> np.ndarray:
        """Interpolate linearly between the frames before and after a time."""
        after = int(np.searchsorted(self._times, seconds, side="right"))
        before = max(after - 1, 0)
        after = min(after, len(self._times) - 1)
        span = self._times[after] - self._times[before]
        if span <= 0.0:
            return np.asarray(track[before])
        weight = (seconds - self._times[before]) / span
        return np.asarray(track[before] + weight * (track[after] - track[before]))


def _cut(
    rows: np.ndarray, times: np.ndarray, start_s: float, end_s: float, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and times between two limits [s]."""
    length = float(times[-1])
    end = length if end_s < 0.0 else end_s
    if not (math.isfinite(start_s) and math.isfinite(end) and 0.0 <= start_s <= end):
        raise RecordingError(
            f"from {start_s:g} s to {end:g} s is no part of the recording",
            where=where,
            remedy=f"It is {length:.2f} s long",
        )
    inside = (times >= start_s) & (times <= end)
    if not inside.any():
        raise RecordingError(
            f"there is nothing between {start_s:g} s and {end:g} s",
            where=where,
            remedy=f"It is {length:.2f} s long",
        )
    return rows[inside], times[inside]
