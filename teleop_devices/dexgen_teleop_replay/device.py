"""Plays recorded input as if a person were doing it now."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dexgen_app.errors import InputError
from dexgen_app.paths import recordings_dir
from dexgen_app.spec import HandState, TeleopContext, TeleopSample
from dexgen_teleop_replay.clip import DEFAULT_RATE_HZ, Clip, read_clip

log = logging.getLogger(__name__)
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def make_replay(context: TeleopContext) -> Replay:
    """Build the device from ``replay:FILE``, with ``,rate=HZ`` and ``,loop=no`` after it.

    Raises:
        InputError: No file was named, an option is not known, or the file cannot be used.
    """
    name, *options = context.argument.split(",")
    if not name.strip():
        raise InputError(
            "no file was named", where="device replay", remedy="Use --device replay:CLIP.npy"
        )
    rate, loop = DEFAULT_RATE_HZ, True
    for option in options:
        key, _, value = option.partition("=")
        if key.strip() == "rate":
            rate = _rate(value)
        elif key.strip() == "loop" and value.strip() in _YES:
            loop = _YES[value.strip()]
        else:
            raise InputError(
                f"the option {option!r} is not known",
                where="device replay",
                remedy="Options are rate=HZ and loop=yes or loop=no",
            )
    return Replay(read_clip(Path(name).expanduser(), rate, context.hand), loop=loop)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = float("nan")
    if not 1.0 <= rate <= 1000.0:
        raise InputError(f"the rate {text!r} is not within 1 to 1000 Hz", where="device replay")
    return rate


def list_recordings() -> list[str]:
    """Return what can be played without being told a path: earlier sessions, newest first."""
    files = sorted(recordings_dir().glob("*.mcap"), key=lambda p: p.stat().st_mtime)
    return [str(path) for path in reversed(files)]


class Replay:
    """Returns the newest frame that is due.

    Args:
        clip: What is played.
        loop: Whether to begin again at the end; otherwise the device then falls silent.
    """

    def __init__(self, clip: Clip, *, loop: bool = True) -> None:
        self.clip = clip
        self.description = clip.notes
        self._loop = loop
        self._round_s = float(clip.times[-1]) + clip.period
        self._start_ns: int | None = None

    def connect(self) -> None:
        """Begin with the first frame at the next read."""
        self._start_ns = None
        if self.clip.notes:
            log.warning("%s", self.clip.notes)

    def read(self, now_ns: int, state: HandState) -> TeleopSample | None:
        """Return the frame of this moment, born when it was due."""
        if self._start_ns is None:
            # A quarter of a frame ago: at multiples of the loop's rate, frames that fall due
            # exactly at the ticks would be seen in time or a tick late by chance.
            self._start_ns = now_ns - int(0.25e9 * self.clip.period)
        elapsed = (now_ns - self._start_ns) * 1e-9
        rounds = int(elapsed // self._round_s) if self._loop else 0
        within = elapsed - rounds * self._round_s
        frame = max(int(np.searchsorted(self.clip.times, within, side="right")) - 1, 0)
        due = rounds * self._round_s + self.clip.times[frame]
        return TeleopSample(
            born_ns=self._start_ns + int(due * 1e9),
            sequence=rounds * len(self.clip.times) + frame,
            kind=self.clip.kind,
            values=self.clip.values[frame],
        )

    def handle_input(self, payload: Mapping[str, Any]) -> None:
        """Begin again on ``{"reset": True}``."""
        if payload.get("reset"):
            self._start_ns = None

    def close(self) -> None:
        """Nothing to release."""
