"""The handle on a live session: what the window and the command line use."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
from collections.abc import Sequence
from typing import Any

from dexgen_app.errors import DexgenError
from dexgen_app.live.control import ControlBlock
from dexgen_app.live.hand_link import SIM
from dexgen_app.live.outbox import Outbox
from dexgen_app.live.parts import WorkerSetup
from dexgen_app.live.protocol import SessionConfig, Shutdown, Stop
from dexgen_app.live.ring import StateRing
from dexgen_app.live.row import row_dtype
from dexgen_app.live.safety import SafetyConfig
from dexgen_app.live.worker import run_worker
from dexgen_app.spec import ControllerSpec, HandSpec, TeleopSpec


class LiveSession:
    """A worker process with a hand, seen from outside. No method waits but ``close``.

    The one who holds it must call ``heartbeat`` at least ten times a second: the worker takes
    silence for a frozen window and lets the hand hold.

    Args:
        config: The session.
        hand: The hand, if it is not to be looked up in the plugins.
        extensions: Devices and controllers beside those of the plugins.

    Attributes:
        config: The session as it was asked for.
        hand: The hand.
        ring: Rows of the session.

    Raises:
        DexgenError: There is no such hand, or the configuration is not sound.
    """

    def __init__(
        self,
        config: SessionConfig,
        *,
        hand: HandSpec | None = None,
        extensions: Sequence[TeleopSpec | ControllerSpec] = (),
    ) -> None:
        self.config = config
        self.hand = hand or _find_hand(config)
        if not 10.0 <= config.rate_hz <= 500.0:
            raise DexgenError(f"a rate of {config.rate_hz} Hz is not within 10 to 500 Hz")
        if not 0 <= config.seed < 2**32:
            raise DexgenError(f"a seed of {config.seed} is not within 0 to {2**32 - 1}")
        real = not (config.driver == SIM or config.driver.startswith(f"{SIM}:"))
        SafetyConfig.for_session(config.safety, real=real)
        self.ring = StateRing.create(row_dtype(self.hand.joint_count))
        self._control = ControlBlock.create()
        self._control.beat()
        context = multiprocessing.get_context("spawn")
        self._commands_theirs, commands = context.Pipe(duplex=False)
        self._events, self._events_theirs = context.Pipe(duplex=False)
        self._outbox = Outbox(commands)
        self._commands = commands
        setup = WorkerSetup(
            config=config,
            hand=self.hand,
            ring_name=self.ring.name,
            control_name=self._control.name,
            extensions=tuple(extensions),
        )
        # Not daemonic: the worker has a child of its own, the recorder.
        self._process = context.Process(
            target=run_worker,
            args=(setup, self._commands_theirs, self._events_theirs),
            name="dexgen-live",
        )
        self._closed = False

    def start(self) -> None:
        """Start the worker; ``Connect`` then opens the hand."""
        self._process.start()
        self._commands_theirs.close()
        self._events_theirs.close()
        atexit.register(self.close)

    @property
    def alive(self) -> bool:
        """Whether the worker runs."""
        return not self._closed and self._process.is_alive()

    @property
    def exitcode(self) -> int | None:
        """How the worker ended; None while it runs."""
        return None if self._closed else self._process.exitcode

    @property
    def pid(self) -> int | None:
        """Process number of the worker."""
        return self._process.pid

    @property
    def sentinel(self) -> int:
        """File descriptor that becomes readable when the worker ends."""
        return self._process.sentinel

    @property
    def event_fd(self) -> int:
        """File descriptor that becomes readable when events are there."""
        return self._events.fileno()

    @property
    def worker_heartbeat_ns(self) -> int:
        """When the worker last finished a tick [monotonic ns]; 0 before the first."""
        return self._control.worker_heartbeat_ns

    def send(self, command: Any) -> None:
        """Send a command of ``live.protocol``; returns at once."""
        if not self._closed:
            self._outbox.put(command)

    def poll_events(self) -> list[Any]:
        """Return the events that have come since the last call.

        Raises:
            EOFError: The worker has ended and everything it said was returned before.
        """
        events: list[Any] = []
        try:
            while not self._closed and self._events.poll():
                events.append(self._events.recv())
        except (EOFError, OSError):
            if not events:
                raise EOFError("the worker has ended") from None
        return events

    def set_dead_man(self, held: bool) -> None:
        """Say whether the dead-man switch is held."""
        self._control.dead_man = held

    def heartbeat(self) -> None:
        """Show that the window is alive."""
        self._control.beat()

    def stop_now(self) -> None:
        """STOP: through the shared counter, which the worker reads every tick, and the pipe."""
        self._control.request_stop()
        self.set_dead_man(False)
        self.send(Stop())

    def close(self, timeout: float = 5.0) -> None:
        """End the worker: politely, then by signal; may be called repeatedly."""
        if self._closed:
            return
        self.send(Shutdown())
        self._closed = True
        atexit.unregister(self.close)
        self._outbox.close(0.2 if self._process.pid is None else min(timeout, 1.0))
        if self._process.pid is not None:
            self._end_process(timeout)
        for connection in (self._commands, self._events):
            with contextlib.suppress(OSError):
                connection.close()
        self.ring.unlink()
        self._control.unlink()
        self.ring.close()
        self._control.close()

    def _end_process(self, timeout: float) -> None:
        self._process.join(timeout)
        for end in (self._process.terminate, self._process.kill):
            if self._process.is_alive():
                end()
                self._process.join(min(timeout, 2.0))


def _find_hand(config: SessionConfig) -> HandSpec:
    from dexgen_app.plugins import PluginRegistry

    return PluginRegistry.load(config.safe_mode, config.disabled).find_hand(config.hand)
