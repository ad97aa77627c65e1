"""The hand as the loop sees it: what a driver returns is checked before anybody uses it."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from dexgen_app.errors import DexgenError
from dexgen_app.spec import HandCommand, HandDriver, HandSpec, HandState

log = logging.getLogger(__name__)

SIM = "sim"
SIM_FACTORY = "dexgen_app.sim.driver:SimDriver"


class HandFault(DexgenError):
    """The hand or its driver cannot be trusted any more."""


class HandLink:
    """Wraps a driver: every error of it becomes a ``HandFault``.

    Args:
        spec: The hand.
        driver: Its driver.
        real: Whether the hand is not simulated.
    """

    def __init__(self, spec: HandSpec, driver: HandDriver, *, real: bool) -> None:
        self.spec = spec
        self.driver = driver
        self.real = real
        self._stopped = False

    def read(self) -> HandState:
        """Return a whole and finite state.

        Raises:
            HandFault: The driver raised, or reports a fault, or what it measures is no number.
        """
        state = self._call(self.driver.read_state)
        self._check_shapes(state)
        if state.fault:
            raise HandFault(state.fault, where=self.spec.id, remedy="Remove the cause, then reset")
        finite = np.isfinite(state.position)
        if not finite.all():
            joint = self.spec.joint_names[int(np.argmin(finite))]
            raise HandFault("its position is not a finite number", where=f"joint {joint}")
        return state

    def _check_shapes(self, state: HandState) -> None:
        joints = (self.spec.joint_count,)
        names = ("position", "velocity", "effort", "target", "temperature")
        wanted: dict[str, tuple[int, ...]] = {**dict.fromkeys(names, joints), "gravity": (3,)}
        if state.object_pose is not None:
            wanted["object_pose"] = (7,)
        wanted["contacts"] = (*np.shape(state.contacts)[:1], 6)
        for name, shape in wanted.items():
            found = np.shape(getattr(state, name))
            if found != shape:
                raise HandFault(f"its {name} has shape {found}, not {shape}", where=self.spec.id)

    def send(self, command: HandCommand) -> None:
        """Send targets that the filter let through."""
        self._call(self.driver.send_command, command)
        self._stopped = False

    def step(self, seconds: float) -> None:
        """Let time pass in a simulated hand."""
        self._call(self.driver.step, seconds)

    def stop(self) -> None:
        """Bring the hand into its safe state, once; tries again at the next call if it fails."""
        if self._stopped:
            return
        try:
            self.driver.stop()
            self._stopped = True
        except (Exception, SystemExit):
            log.exception("the driver of %s raised in stop", self.spec.id)

    def close(self) -> None:
        """Leave the hand in its safe state and release it; never raises."""
        self.stop()
        try:
            self.driver.disconnect()
        except (Exception, SystemExit):
            log.exception("the driver of %s raised in disconnect", self.spec.id)

    def _call(self, method: Callable, *args: object) -> HandState:
        try:
            return method(*args)
        except (Exception, SystemExit) as error:
            if not isinstance(error, DexgenError):
                log.debug("the driver's traceback", exc_info=error)
            text = str(error) if isinstance(error, DexgenError) else f"{error!r}"
            name = getattr(method, "__name__", "call")
            raise HandFault(
                f"its driver raised in {name}: {text}",
                where=self.spec.id,
                remedy="Look at the log, then reset",
            ) from error


def unknown_state(spec: HandSpec, now_ns: int) -> HandState:
    """Return a state that says nothing, for the time without a hand."""
    nothing = np.full(spec.joint_count, np.nan)
    return HandState(
        stamp_ns=now_ns,
        position=nothing,
        velocity=nothing,
        effort=nothing,
        target=nothing,
        temperature=nothing,
        gravity=np.full(3, np.nan),
    )
