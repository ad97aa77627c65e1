"""The session file and its episodes as the loop sees them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dexgen_app.live.protocol import EpisodeChanged, Mark, RecordingStatus, SessionConfig
from dexgen_app.live.row import row_dtype
from dexgen_app.spec import HandSpec

if TYPE_CHECKING:
    from dexgen_app.recording.recorder import Recorder

_REPORT_NS = 500_000_000


class RecordingLink:
    """Starts and stops the recorder's process and counts episodes.

    Args:
        hand: The hand.
        ring_name: The ring that is recorded.
        report: Takes events for the user.
    """

    def __init__(self, hand: HandSpec, ring_name: str, report: Callable[[Any], None]) -> None:
        self._hand = hand
        self._ring_name = ring_name
        self._report = report
        self._recorder: Recorder | None = None
        self._closing: list[Recorder] = []
        self._told = RecordingStatus(active=False)
        self._told_ns = 0
        self._next_episode = 0
        self._episode_ns = 0
        self.episode = -1

    @property
    def active(self) -> bool:
        """Whether a file is being written."""
        return self._recorder is not None

    def start(self, path: str, config: SessionConfig) -> None:
        """Begin a session file; nothing happens if one is being written.

        Raises:
            DexgenError: The file cannot be made.
        """
        if self._recorder is not None:
            return
        from dexgen_app.recording.recorder import Recorder

        dtype = row_dtype(self._hand.joint_count)
        recorder = Recorder(path, self._ring_name, dtype, config, self._hand)
        recorder.start()
        self._recorder = recorder
        self._next_episode = 0
        self._tell(recorder.poll())

    def stop(self) -> None:
        """Close the session file; an episode that runs is kept."""
        if self._recorder is None:
            return
        self.end_episode("keep")
        self._recorder.stop()
        self._closing.append(self._recorder)
        self._recorder = None

    def note(self, kind: str, **payload: Any) -> None:
        """Write an event into the file, if there is one."""
        if self._recorder is not None:
            self._recorder.note_event(kind, payload)

    def begin_episode(self) -> None:
        """Begin an episode; one that runs already goes on."""
        if self._recorder is None or self.episode >= 0:
            return
        self.episode, self._next_episode = self._next_episode, self._next_episode + 1
        self._episode_ns = time.monotonic_ns()
        self.note("episode_begin", index=self.episode)
        self._report(EpisodeChanged(index=self.episode, path=str(self._recorder.path)))

    def end_episode(self, mark: Mark) -> None:
        """End the episode that runs, if one does."""
        if self._recorder is None or self.episode < 0:
            return
        seconds = (time.monotonic_ns() - self._episode_ns) * 1e-9
        self.note("episode_end", index=self.episode, mark=mark)
        path = str(self._recorder.path)
        self._report(EpisodeChanged(index=self.episode, path=path, mark=mark, seconds=seconds))
        self.episode = -1

    def poll(self, now_ns: int) -> None:
        """Tell what became of the file; called once a tick."""
        for recorder in list(self._closing):
            status = recorder.poll()
            if not status.active:
                self._closing.remove(recorder)
                _reap(recorder)
                self._tell(status)
        if self._recorder is None:
            return
        status = self._recorder.poll()
        ended = not status.active
        if ended or now_ns - self._told_ns > _REPORT_NS:
            self._told_ns = now_ns
            self._tell(status)
        if ended:
            _reap(self._recorder)
            self._recorder = None
            if self.episode >= 0:
                self._report(EpisodeChanged(index=self.episode, path=status.path, mark="fail"))
                self.episode = -1

    def _tell(self, status: RecordingStatus) -> None:
        if status != self._told:
            self._told = status
            self._report(status)

    def close(self, timeout: float) -> None:
        """Close the file and wait until it is whole."""
        self.stop()
        for recorder in self._closing:
            self._tell(recorder.join(timeout))
        self._closing.clear()


def _reap(recorder: Recorder) -> None:
    """Wait for the end of a recorder's process without holding up the loop."""
    threading.Thread(target=recorder.join, name="reap-recorder", daemon=True).start()
