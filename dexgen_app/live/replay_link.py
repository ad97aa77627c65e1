"""A recording's targets as the input of the loop, in place of device and controller."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dexgen_app.live.protocol import ReplayStatus, StartReplay
from dexgen_app.spec import HandSpec, HandState

if TYPE_CHECKING:
    from dexgen_app.recording.playback import Playback

_REPORT_NS = 200_000_000


class ReplayLink:
    """Plays while the hand may move, and tells how far it is.

    Args:
        command: What to play.
        hand: The connected hand, which the recording must be of.
        report: Takes ``ReplayStatus``.

    Raises:
        DexgenError: The recording cannot be read or is of another hand.
    """

    def __init__(self, command: StartReplay, hand: HandSpec, report: Callable[[Any], None]) -> None:
        from dexgen_app.recording.playback import Playback
        from dexgen_app.recording.reader import Recording

        recording = Recording.open(command.path)
        recording.require_hand(hand)
        self._playback: Playback = Playback(
            recording, command.episode, command.start_s, command.end_s, command.speed
        )
        self._report = report
        self._told_ns = 0
        self._wanted_pause = False
        self._paused = False

    @property
    def done(self) -> bool:
        """Whether the recording has been played to its end."""
        return bool(self._playback.phase == "done")

    def pause(self, paused: bool) -> None:
        """Pause or go on."""
        self._wanted_pause = paused

    def step(
        self, now_ns: int, target: np.ndarray, state: HandState, *, moving: bool
    ) -> np.ndarray:
        """Return the targets of this tick [rad], shape (J,).

        Args:
            now_ns: The present time [monotonic ns].
            target: The target that the filter let through last [rad].
            state: The hand's state, for the drift.
            moving: False while the hand holds: the replay then waits.
        """
        pause = self._wanted_pause or not moving
        if pause != self._paused:
            self._paused = pause
            if pause:
                self._playback.pause()
            else:
                self._playback.resume()
        targets = self._playback.step(now_ns, target, state)
        if now_ns - self._told_ns > _REPORT_NS:
            self._told_ns = now_ns
            self._report(self._playback.status())
        return np.asarray(targets)

    def stop(self) -> None:
        """End the replay and tell its last state."""
        self._playback.stop()
        status: ReplayStatus = self._playback.status()
        self._report(status)
