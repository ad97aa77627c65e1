"""Calibrates the person's hand from a second or two of device samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dexgen_app.errors import DexgenError
from dexgen_app.live.protocol import CalibrationDone, Failure, Progress
from dexgen_app.spec import HandSpec, InputKind, TeleopSample

SAMPLES = 30
PATIENCE_TICKS = 300
_KINDS = (InputKind.LANDMARKS_21, InputKind.OPENXR_26)


class Calibrator:
    """Collects samples, then measures the person's fingers and stores the result.

    Args:
        spec: The hand.
        profile: Name of the profile that is written.
        report: Takes progress, success or failure.
    """

    def __init__(self, spec: HandSpec, profile: str, report: Callable[[Any], None]) -> None:
        self._spec = spec
        self._profile = profile
        self._report = report
        self._frames: list[np.ndarray] = []
        self._sequence = -1
        self._patience = PATIENCE_TICKS

    def add(self, sample: TeleopSample | None) -> bool:
        """Take the sample of a tick; return whether the calibration has ended."""
        self._patience -= 1
        if sample is not None and sample.kind in _KINDS and sample.sequence != self._sequence:
            self._sequence = sample.sequence
            self._frames.append(_landmarks(sample))
            share = len(self._frames) / SAMPLES
            if share < 1.0:
                self._report(Progress(text="measuring the hand", fraction=share))
        if len(self._frames) >= SAMPLES:
            self._finish()
        elif self._patience <= 0:
            self._report(
                Failure(
                    what=f"only {len(self._frames)} of {SAMPLES} hand poses came for calibration",
                    where="calibration",
                    remedy="Use a device that tracks a hand, and hold it where it is seen",
                )
            )
        else:
            return False
        self._report(Progress(text="measuring the hand", fraction=1.0))
        return True

    def _finish(self) -> None:
        from dexgen_app.kinematics.calibration import calibrate, save_profile

        try:
            calibration = calibrate(np.array(self._frames), self._spec)
            save_profile(self._profile, calibration)
        except (DexgenError, OSError) as error:
            self._report(Failure(what=str(error), where="calibration"))
            return
        names = (finger.name for finger in self._spec.fingers)
        scales = dict(zip(names, calibration.tip_scale))
        self._report(CalibrationDone(profile=self._profile, scales=scales))


def _landmarks(sample: TeleopSample) -> np.ndarray:
    """Return 21 landmarks [m], shape (21, 3)."""
    if sample.kind == InputKind.LANDMARKS_21:
        return np.asarray(sample.values)
    from dexgen_app.kinematics.landmarks import landmarks_from_openxr

    return landmarks_from_openxr(np.asarray(sample.values))
