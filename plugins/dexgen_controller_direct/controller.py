"""The controller that adds nothing, or at most smoothness."""

from __future__ import annotations

import math

import numpy as np

from dexgen_app.errors import DexgenError
from dexgen_app.spec import ControlInput, ControllerContext, HandCommand, HandState


class Direct:
    """Passes the retargeted command on, through a first-order low-pass filter if wanted.

    Args:
        context: The loop's rate.
    """

    def __init__(self, context: ControllerContext) -> None:
        self._period_s = 1.0 / context.rate_hz
        self._smoothing = 0.0
        self._smooth: np.ndarray | None = None

    def reset(self, state: HandState) -> None:
        """Forget the past."""
        self._smooth = None

    def step(self, control: ControlInput) -> HandCommand | None:
        """Return the command, or None while there is none."""
        command = control.command
        if command is None or self._smoothing == 0.0:
            self._smooth = None
            return command
        if self._smooth is None:
            self._smooth = np.array(control.target, dtype=float)
        share = 1.0 - math.exp(-self._period_s / self._smoothing)
        self._smooth = self._smooth + share * (command.position - self._smooth)
        return HandCommand(born_ns=command.born_ns, position=self._smooth)

    def set_parameter(self, name: str, value: float | str) -> None:
        """Change ``smoothing`` [s].

        Raises:
            DexgenError: There is no such parameter.
        """
        if name != "smoothing":
            raise DexgenError("there is no such parameter", where=f"direct.{name}")
        self._smoothing = float(value)
