"""A recording's targets as the input of the loop, in place of device and controller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dexgen_app.errors import DexgenError
from dexgen_app.live.protocol import StartReplay
from dexgen_app.spec import HandSpec, HandState

if TYPE_CHECKING:
    from dexgen_app.recording.playback import Playback

_REPORT_NS = 200_000_000


class ReplayLink:
    """Plays while the hand may move, and tells how far it is.

    A long recording takes seconds to read: a thread reads it, and the hand holds meanwhile.

    Args:
        command: What to play.
        hand: The connected hand, which the recording must be of.
        report: Takes ``ReplayStatus``.
    """

    def __init__(self, command: StartReplay, hand: HandSpec, report: Callable[[Any], None]) -> None:
        self.error: DexgenError | None = None
        self._playback: Playback | None = None
        self._report = report
        self._told_ns = 0
        self._wanted_pause = False
        self._paused = False
        self._opener = threading.Thread(
            target=self._open, args=(command, hand), name="open-recording", daemon=True
        )
        self._opener.start()

    def _open(self, command: StartReplay, hand: HandSpec) -> None:
        from dexgen_app.recording.playback import TOPICS, Playback
        from dexgen_app.recording.reader import Recording

        try:
            recording = Recording.open(command.path, topics=TOPICS)
            recording.require_hand(hand)
            self._playback = Playback(
                recording, command.episode, command.start_s, command.end_s, command.speed
            )
        except DexgenError as error:
            self.error = error
        except Exception as error:
            self.error = DexgenError(f"it cannot be played: {error!r}", where=command.path)

    @property
    def done(self) -> bool:
        """Whether the recording has been played to its end, or cannot be played."""
        return self.error is not None or (
            self._playback is not None and self._playback.phase == "done"
        )

    def pause(self, paused: bool) -> None:
        """Pause or go on."""
        self._wanted_pause = paused

    def step(
        self, now_ns: int, target: np.ndarray, state: HandState, *, moving: bool, held: bool
    ) -> np.ndarray | None:
        """Return the targets of this tick [rad], shape (J,); None while it is being read.

        Args:
            now_ns: The present time [monotonic ns].
            target: The target that the filter let through last [rad].
            state: The hand's state, for the drift.
            moving: False while the hand holds: the replay then waits.
            held: False while the object is known not to be in the hand.
        """
        if self._playback is None:
            return None
        pause = self._wanted_pause or not moving
        if pause != self._paused:
            self._paused = pause
            if pause:
                self._playback.pause()
            else:
                self._playback.resume()
        targets = self._playback.step(now_ns, target, state, held=held)
        if now_ns - self._told_ns > _REPORT_NS:
            self._told_ns = now_ns
            self._report(self._playback.status())
        return np.asarray(targets)

    def stop(self) -> None:
        """End the replay and tell its last state."""
        if self._playback is not None:
            self._playback.stop()
            self._report(self._playback.status())
