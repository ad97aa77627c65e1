"""Chooses how good and how often the 3D view draws, so that the window stays responsive."""

from __future__ import annotations

from dexgen_app.render.renderer import Quality

FRAME_MS = 33.0
_LADDER = (Quality(), Quality(scale=0.7), Quality(shadows=False, scale=0.5))
_DRAG_MS = 30.0
_SLOW_MS = 45.0
_FAST_MS = 22.0
_LONGEST_REST_MS = 100.0
_SLOW_FRAMES = 3
_FAST_FRAMES = 30


class Pacing:
    """Steps the quality down when pictures take long and up again when they are cheap.

    Software drawing goes on in threads after a picture was asked for, so the window fetches it
    later. A fetch that has to wait blocks the window: the picture was asked for too early.

    Attributes:
        draw_ms: How long after a request a picture is expected to be ready.
        level: Step of the quality, 0 for the best.
    """

    def __init__(self) -> None:
        self.draw_ms = 8.0
        self.level = 0
        self._asked_ms = 0.0
        self._best_ms = 0.0
        self._slow = self._fast = 0
        self._drawn_level = 0

    @property
    def frame_ms(self) -> float:
        """Time from a request to the picture [ms]."""
        return self._asked_ms + self.draw_ms

    def quality(self, *, dragging: bool, software: bool) -> Quality:
        """Return what the next picture may cost.

        Args:
            dragging: Whether the user moves the camera, which must not lag.
            software: Whether there is no GPU.
        """
        if not software:
            return Quality(samples=4)
        self._drawn_level = self.level
        if dragging and max(self._best_ms, self.frame_ms) > _DRAG_MS:
            self._drawn_level = len(_LADDER) - 1
        return _LADDER[self._drawn_level]

    def asked(self, milliseconds: float) -> None:
        """Note how long the request for a picture took [ms]."""
        self._asked_ms = milliseconds

    def fetched(self, blocked_ms: float) -> None:
        """Note how long a fetch had to wait [ms], and step the quality."""
        if blocked_ms > 2.0:
            self.draw_ms = min(200.0, self.draw_ms + 0.6 * blocked_ms)
        else:
            self.draw_ms = max(4.0, self.draw_ms - 1.0)
        if self._drawn_level == 0:
            self._best_ms = self.frame_ms
        if self._drawn_level != self.level:
            return
        self._slow = self._slow + 1 if self.frame_ms > _SLOW_MS else 0
        self._fast = self._fast + 1 if self.frame_ms < _FAST_MS else 0
        if self._slow >= _SLOW_FRAMES and self.level < len(_LADDER) - 1:
            self.level, self._slow = self.level + 1, 0
        elif self._fast >= _FAST_FRAMES and self.level > 0:
            self.level, self._fast = self.level - 1, 0

    def rest_ms(self, since_request_ms: float) -> float:
        """Return how long to wait before the next request [ms].

        At most 30 pictures a second, and as much time for everything else as a request takes.
        """
        return max(1.0, FRAME_MS - since_request_ms, min(self._asked_ms, _LONGEST_REST_MS))
