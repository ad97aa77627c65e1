"""Turns what a tick knows into a row of the state ring."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from dexgen_app.live.ring import StateRing
from dexgen_app.live.row import MAX_CONTACTS, STAGES, SessionState, row_dtype
from dexgen_app.live.safety import FilterResult
from dexgen_app.live.watchdog import Watch
from dexgen_app.spec import HandCommand, HandSpec, HandState, InputKind, TeleopSample


@dataclass
class Tick:
    """What a tick finds out, stage by stage.

    Attributes:
        now_ns: Monotonic time of its start [ns].
        since_ns: Time since the start of the tick before [ns].
        late: Late ticks so far.
        number: Number of the tick.
        watch: Heartbeat and dead-man switch.
        sample: The device's sample, if it is fresh.
        command: The retargeted command.
        output: The controller's output.
        result: What the filter let through.
        latency: Time of every stage [ns], -1 for one that did not run.
        factor: Simulated seconds a second.
    """

    now_ns: int
    since_ns: int
    late: int
    number: int
    watch: Watch = field(default_factory=lambda: Watch(False, False))
    sample: TeleopSample | None = None
    command: HandCommand | None = None
    output: HandCommand | None = None
    result: FilterResult | None = None
    latency: np.ndarray = field(default_factory=lambda: np.full(len(STAGES), -1, np.int64))
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What holds during a tick: session, hand and recording."""

    state: SessionState
    hand: HandState
    stopped: bool
    drops: int
    held: bool
    episode: int
    recording: bool


class RowWriter:
    """Fills one record after the other; a field that nobody knows is NaN.

    Args:
        ring: Takes the rows.
        spec: The hand.
    """

    def __init__(self, ring: StateRing, spec: HandSpec) -> None:
        self._ring = ring
        self._spec = spec
        self._nothing = np.full(spec.joint_count, np.nan)
        self._empty = np.zeros(1, row_dtype(spec.joint_count))
        for name in self._empty.dtype.names or ():
            if self._empty[name].dtype.kind == "f":
                self._empty[name] = np.nan
        self._empty["sample_sequence"] = -1
        self._empty["contact_count"] = 0

    def write(self, tick: Tick, now: Situation) -> None:
        """Append the row of a tick."""
        rows = self._empty.copy()
        row = rows[0]
        row["stamp_ns"], row["tick"] = tick.now_ns, tick.number
        row["state"], row["stop"] = now.state, now.stopped
        row["dead_man"], row["held"], row["drops"] = tick.watch.dead_man, now.held, now.drops
        self._put_sample(row, tick.sample)
        nothing = self._nothing
        row["command"] = nothing if tick.command is None else tick.command.position
        row["controller"] = nothing if tick.output is None else tick.output.position
        row["ramp"] = 0.0
        if tick.result is not None:
            row["target"], row["clip"] = tick.result.target, tick.result.clip
            row["ramp"] = tick.result.ramp
        self._put_hand(row, now.hand)
        row["latency_ns"], row["period_ns"] = tick.latency, tick.since_ns
        row["late"], row["real_time_factor"] = tick.late, tick.factor
        row["episode"], row["recording"] = now.episode, now.recording
        row["work_ns"] = time.monotonic_ns() - tick.now_ns
        self._ring.write(row)

    def _put_hand(self, row: np.void, hand: HandState) -> None:
        for name in ("position", "velocity", "effort", "temperature", "gravity"):
            row[name] = getattr(hand, name)
        if hand.object_pose is not None:
            row["object_pose"] = hand.object_pose
        count = min(len(hand.contacts), MAX_CONTACTS)
        row["contact_count"] = count
        row["contacts"][:count] = hand.contacts[:count]

    def _put_sample(self, row: np.void, sample: TeleopSample | None) -> None:
        if sample is None:
            return
        row["sample_sequence"], row["sample_born_ns"] = sample.sequence, sample.born_ns
        row["input_kind"] = sample.kind
        if sample.kind == InputKind.JOINTS:
            row["raw_joints"] = sample.values
        elif sample.kind != InputKind.NONE:
            points = np.asarray(sample.values)
            row["raw_points"][: points.shape[0], : points.shape[1]] = points
        if sample.wrist_pose is not None:
            row["wrist_pose"] = sample.wrist_pose
