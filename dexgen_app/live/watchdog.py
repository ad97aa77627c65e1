"""Whether the person at the window is there: heartbeat, dead-man switch, STOP."""

from __future__ import annotations

from dataclasses import dataclass

from dexgen_app.live.control import ControlBlock
from dexgen_app.spec import TeleopSample


@dataclass(frozen=True)
class Watch:
    """What the watchdog saw in a tick."""

    heartbeat: bool
    dead_man: bool


class Watchdog:
    """Reads the control block once a tick.

    After the window was silent, its dead-man switch counts only once it was seen released:
    a window that thaws with the key down does not set the hand in motion.

    Args:
        control: The control block.
        timeout: Age of the window's last sign of life that is too old [s].
        always_held: Treat the dead-man switch as held, for scripted runs in simulation.
    """

    def __init__(self, control: ControlBlock, timeout: float, *, always_held: bool) -> None:
        self._control = control
        self._timeout_ns = int(timeout * 1e9)
        self._always_held = always_held
        self._released = False
        self._stops = control.stops

    def look(self, now_ns: int, sample: TeleopSample | None) -> Watch:
        """Return who holds what.

        Args:
            now_ns: The present time [monotonic ns].
            sample: A fresh sample of a device that may have a dead-man switch of its own.
        """
        heartbeat = now_ns - self._control.heartbeat_ns <= self._timeout_ns
        pressed = self._control.dead_man
        self._released = (self._released and heartbeat) or not pressed
        held = self._always_held or (pressed and self._released)
        if sample is not None and sample.dead_man is not None:
            held = held or sample.dead_man
        return Watch(heartbeat, held and heartbeat)

    def stop_requested(self) -> bool:
        """Return whether STOP was requested since the last call that returned True."""
        stops = self._control.stops
        if stops == self._stops:
            return False
        self._stops = stops
        return True
