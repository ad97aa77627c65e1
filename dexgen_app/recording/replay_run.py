"""Plays a recording on a hand through a live session without a window."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dexgen_app.errors import DexgenError
from dexgen_app.live.protocol import (
    Arm,
    Connect,
    Failure,
    Progress,
    Ready,
    ReplayStatus,
    ResetScene,
    StartReplay,
    StateChanged,
)
from dexgen_app.live.row import SessionState
from dexgen_app.recording.codec import to_plain

if TYPE_CHECKING:
    from dexgen_app.live.client import LiveSession

_BEAT_S = 0.02
_TOLD_S = 1.0


@dataclass(frozen=True, kw_only=True)
class ReplayOutcome:
    """What a replay came to.

    Attributes:
        status: The last state, with the drift over everything that was played.
        drops: How often the simulated hand dropped its object.
        late: Ticks of the loop that began late.
        real_time_factor: Simulated over real time at the end.
    """

    status: ReplayStatus
    drops: int = 0
    late: int = 0
    real_time_factor: float = math.nan

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data; None for what was not measured."""
        plain = to_plain(asdict(self.status))
        rest = {"drops": self.drops, "late": self.late, "real_time_factor": self.real_time_factor}
        return {**plain, **to_plain(rest)}


class ReplayRun:
    """Runs a live session that plays a recording.

    Args:
        session: A session that was not started; closed by ``run``.
        command: What to play.
        repeat: Whether to begin again after the end.
        dead_man: Says whether the dead-man switch is held; None if the session counts it as held.
        tell: Takes lines for the user.
    """

    def __init__(
        self,
        session: LiveSession,
        command: StartReplay,
        *,
        repeat: bool = False,
        dead_man: Callable[[], bool] | None = None,
        tell: Callable[[str], None] = print,
    ) -> None:
        self._session = session
        self._command = command
        self._repeat = repeat
        self._dead_man = dead_man
        self._tell = tell
        self._told_s = 0.0
        self._real = False
        self._last: ReplayStatus | None = None

    def run(self) -> ReplayOutcome | None:
        """Play to the end, or until Ctrl-C.

        Returns:
            What it came to; None if it was ended before anything was played.

        Raises:
            DexgenError: The hand, the recording or the session does not work.
        """
        session = self._session
        try:
            session.start()
            session.send(Connect())
            while not self._advance():
                time.sleep(_BEAT_S)
        except KeyboardInterrupt:
            session.stop_now()
            self._tell("ended; the hand is stopped")
        finally:
            outcome = self._outcome()
            session.close()
        return outcome

    def _advance(self) -> bool:
        """Follow the session for a moment; return whether the replay is over."""
        session = self._session
        session.heartbeat()
        if self._dead_man is not None:
            session.set_dead_man(self._dead_man())
        try:
            events = session.poll_events()
        except EOFError:
            raise DexgenError(
                "the live session's process ended unexpectedly",
                remedy="Try again with --log-level info to see why",
            ) from None
        return any([self._handle(event) for event in events])

    def _handle(self, event: Any) -> bool:
        if isinstance(event, Failure):
            raise DexgenError(event.what, where=event.where, remedy=event.remedy)
        if isinstance(event, StateChanged):
            if event.state in (SessionState.STOPPED, SessionState.FAULT):
                raise DexgenError(f"the hand was stopped: {event.reason or 'no reason given'}")
        elif isinstance(event, Ready):
            self._real = event.real
            if self._dead_man is not None:
                self._tell("hold SPACE to let the hand move; release it to hold; q stops")
            self._begin()
        elif isinstance(event, Progress):
            self._tell_now_and_then(event.text)
        elif isinstance(event, ReplayStatus):
            return self._follow(event)
        return False

    def _begin(self) -> None:
        self._session.send(self._command)
        self._session.send(Arm())

    def _follow(self, status: ReplayStatus) -> bool:
        if self._last is None or status.phase != "approach":
            self._last = status  # the approach of a repetition tells nothing yet
        if status.phase != "done":
            self._tell_now_and_then(describe(status))
            return False
        if not self._repeat:
            return True
        self._tell(describe(status))
        if not self._real:
            self._session.send(ResetScene())
        self._begin()
        return False

    def _tell_now_and_then(self, text: str) -> None:
        now = time.monotonic()
        if now - self._told_s >= _TOLD_S:
            self._told_s = now
            self._tell(text)

    def _outcome(self) -> ReplayOutcome | None:
        if self._last is None:
            return None
        row = self._session.ring.latest()
        if row is None:
            return ReplayOutcome(status=self._last)
        return ReplayOutcome(
            status=self._last,
            drops=int(row["drops"]),
            late=int(row["late"]),
            real_time_factor=float(row["real_time_factor"]),
        )


def describe(status: ReplayStatus) -> str:
    """Return a replay's state as one line for the terminal."""
    line = f"{status.phase:8} {status.position_s:7.2f} / {status.length_s:.2f} s"
    if math.isfinite(status.drift_rad):
        line += f"   joints {math.degrees(status.drift_rad):5.2f} deg"
    if math.isfinite(status.object_drift_m):
        line += f"   object {status.object_drift_m * 1e3:6.1f} mm"
    return line
