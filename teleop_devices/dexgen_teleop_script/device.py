"""Smooth synthetic motion: slow waves along a few random synergies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dexgen_app.errors import InputError
from dexgen_app.spec import HandSpec, HandState, InputKind, TeleopContext, TeleopSample

SYNERGIES = 4
FREQUENCIES_HZ = (0.08, 0.35)
FADE_SECONDS = 2.0
DEFAULT_AMPLITUDE = 0.1


def make_script(context: TeleopContext) -> Script:
    """Build the device from ``script`` or ``script:AMPLITUDE``.

    Raises:
        InputError: The amplitude is not a number from 0 to 1.
    """
    text = context.argument or str(DEFAULT_AMPLITUDE)
    try:
        amplitude = float(text)
    except ValueError:
        amplitude = float("nan")
    if not 0.0 <= amplitude <= 1.0:
        raise InputError(
            f"the amplitude {text!r} is not a number from 0 to 1", where="device script"
        )
    return Script(context.hand, context.seed, amplitude)


class Script:
    """Waves about the pose that the hand holds when it starts.

    Args:
        hand: The hand.
        seed: Determines the motion.
        amplitude: Largest excursion of a synergy as a share of a joint's range, 0 to 1.
    """

    def __init__(self, hand: HandSpec, seed: int, amplitude: float) -> None:
        random = np.random.default_rng(seed)
        self._hand = hand
        directions = random.standard_normal((SYNERGIES, hand.joint_count))
        directions /= np.abs(directions).max(axis=1, keepdims=True)
        span = hand.limits[1] - hand.limits[0]
        self._synergies = amplitude * span * directions / SYNERGIES**0.5
        self._rates = 2.0 * np.pi * random.uniform(*FREQUENCIES_HZ, SYNERGIES)
        self._phases = random.uniform(0.0, 2.0 * np.pi, SYNERGIES)
        self._start: np.ndarray | None = None
        self._start_ns = 0
        self._sequence = 0

    def connect(self) -> None:
        """Start from what the hand holds."""
        self._start = None

    def read(self, now_ns: int, state: HandState) -> TeleopSample | None:
        """Return the targets of this moment."""
        if self._start is None:
            start = np.where(np.isfinite(state.target), state.target, state.position)
            if not np.isfinite(start).all():
                return None
            self._start, self._start_ns = start, now_ns
        self._sequence += 1
        return TeleopSample(
            born_ns=now_ns,
            sequence=self._sequence,
            kind=InputKind.JOINTS,
            values=self.pose((now_ns - self._start_ns) * 1e-9, self._start),
        )

    def pose(self, seconds: float, start: np.ndarray) -> np.ndarray:
        """Return joint targets [rad] after ``seconds``, within the limits, shape (J,)."""
        waves = np.sin(self._rates * seconds + self._phases) - np.sin(self._phases)
        fade = min(seconds / FADE_SECONDS, 1.0)
        return np.clip(start + fade * waves @ self._synergies, *self._hand.limits)

    def handle_input(self, payload: Mapping[str, Any]) -> None:
        """Start again from what the hand holds on ``{"reset": True}``."""
        if payload.get("reset"):
            self.connect()

    def close(self) -> None:
        """Nothing to release."""
