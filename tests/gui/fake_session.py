"""A session without a worker: same interface as ``LiveSession``, driven by the test."""

from __future__ import annotations

import os
import time
from typing import Any, ClassVar

import numpy as np

from dexgen_app.live import protocol as p
from dexgen_app.live.row import SessionState, row_dtype
from dexgen_app.spec import HandSpec


class FakeRing:
    """Rows that were written, newest last."""

    def __init__(self, joints: int) -> None:
        self.rows = np.zeros(0, row_dtype(joints))

    def read_since(self, sequence: int) -> tuple[np.ndarray, int]:
        rows = self.rows[self.rows["sequence"] > sequence]
        return rows, 0


class FakeSession:
    """Answers commands as the worker does, at once."""

    made: ClassVar[list[FakeSession]] = []

    def __init__(self, config: p.SessionConfig, hand: HandSpec) -> None:
        self.config, self.hand = config, hand
        self.ring = FakeRing(hand.joint_count)
        self.sent: list[Any] = []
        self.events: list[Any] = []
        self.beats = 0
        self.stops = 0
        self.dead_man = False
        self.closed = False
        self.exitcode: int | None = None
        self._event, self._event_in = os.pipe()
        self._end, self._end_in = os.pipe()
        self.event_fd, self.sentinel = self._event, self._end
        FakeSession.made.append(self)

    @property
    def alive(self) -> bool:
        return not self.closed

    def start(self) -> None:
        pass

    def send(self, command: object) -> None:
        self.sent.append(command)
        if isinstance(command, p.Connect):
            self.say(p.StateChanged(state=SessionState.CONNECTING))
            self.say(p.Ready(hand=self.hand, scene=self.config.scene, real=False))
            self.say(p.StateChanged(state=SessionState.CONNECTED))
        elif isinstance(command, p.Disconnect):
            self.say(p.StateChanged(state=SessionState.DISCONNECTED))
        elif isinstance(command, p.Arm):
            self.say(p.StateChanged(state=SessionState.ARMED))
        elif isinstance(command, (p.Disarm, p.ResetStop)):
            self.say(p.StateChanged(state=SessionState.CONNECTED))
        elif isinstance(command, p.StartRecording):
            self.say(p.RecordingStatus(active=True, path="session.mcap"))
        elif isinstance(command, p.StopRecording):
            self.say(p.RecordingStatus(active=False, path="session.mcap"))
        elif isinstance(command, p.StartEpisode):
            self.say(p.EpisodeChanged(index=0, path="session.mcap"))
        elif isinstance(command, p.EndEpisode):
            self.say(p.EpisodeChanged(index=0, path="s.mcap", mark=command.mark, seconds=1.0))

    def say(self, event: object) -> None:
        self.events.append(event)
        os.write(self._event_in, b"x")

    def die(self, code: int = -9) -> None:
        self.exitcode = code
        os.write(self._end_in, b"x")

    def poll_events(self) -> list[Any]:
        os.read(self._event, 4096) if self.events else None
        events, self.events = self.events, []
        return events

    def set_dead_man(self, held: bool) -> None:
        self.dead_man = held

    def heartbeat(self) -> None:
        self.beats += 1

    def stop_now(self) -> None:
        self.stops += 1
        self.say(p.StateChanged(state=SessionState.STOPPED, reason="STOP was pressed"))

    def close(self, timeout: float = 0.0) -> None:
        if not self.closed:
            self.closed = True
            for end in (self._event, self._event_in, self._end, self._end_in):
                os.close(end)

    def write(self, seconds: float = 0.0, **fields: Any) -> None:
        """Append a row; ``seconds`` is added to its stamp."""
        row = np.zeros(1, self.ring.rows.dtype)
        for name in ("temperature", "effort", "object_pose"):
            row[name] = np.nan
        row["sequence"] = len(self.ring.rows)
        row["tick"] = len(self.ring.rows)
        row["stamp_ns"] = time.monotonic_ns() + int(seconds * 1e9)
        row["position"] = row["target"] = self.hand.home
        row["real_time_factor"] = 1.0
        row["period_ns"] = 16_666_667
        row["episode"] = -1
        for name, value in fields.items():
            row[name] = value
        self.ring.rows = np.concatenate([self.ring.rows, row])
