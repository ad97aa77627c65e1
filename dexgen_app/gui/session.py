"""The live session as Qt sees it: signals out, commands in, heartbeat and ring polling."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from PyQt6.QtCore import QObject, QSocketNotifier, Qt, QTimer, pyqtSignal

from dexgen_app.errors import DexgenError
from dexgen_app.gui.metrics import SessionMetrics
from dexgen_app.live import protocol as p
from dexgen_app.live.row import SessionState

log = logging.getLogger("dexgen_app.gui.session")

HEARTBEAT_MS = 16
POLL_MS = 33
EXIT_MS = 60


class Session(Protocol):
    """What the window needs of ``live.client.LiveSession``."""

    ring: Any
    alive: bool
    sentinel: int
    event_fd: int

    def start(self) -> None:
        """Start the worker."""

    def send(self, command: object) -> None:
        """Send a command."""

    def poll_events(self) -> list[object]:
        """Return the events since the last call."""

    def set_dead_man(self, held: bool) -> None:
        """Set the shared dead-man flag."""

    def heartbeat(self) -> None:
        """Say that the window is alive."""

    def stop_now(self) -> None:
        """STOP."""

    def close(self, timeout: float = ...) -> None:
        """End the worker."""


SessionFactory = Callable[[p.SessionConfig], Session]


class SessionBridge(QObject):
    """Runs a session and turns what it says into signals.

    Signals:
        state_changed: ``(SessionState, reason)``.
        happened: Every event of ``live.protocol``, as it comes.
        rows: New rows of the ring since the last poll, at most 30 times a second.
        ready: The ``Ready`` event.
        died: The worker died by itself; the text says how.
    """

    state_changed = pyqtSignal(object, str)
    happened = pyqtSignal(object)
    rows = pyqtSignal(object)
    ready = pyqtSignal(object)
    died = pyqtSignal(str)

    def __init__(self, factory: SessionFactory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._factory = factory
        self._session: Session | None = None
        self._notifiers: list[QSocketNotifier] = []
        self._sequence = -1
        self.config: p.SessionConfig | None = None
        self.state = SessionState.DISCONNECTED
        self.real = False
        self.dead_man = False
        self.latest: np.void | None = None
        self.recording = p.RecordingStatus(active=False)
        self.metrics = SessionMetrics()
        self._beat = QTimer(self)
        self._beat.setTimerType(Qt.TimerType.PreciseTimer)
        self._beat.setInterval(HEARTBEAT_MS)
        self._beat.timeout.connect(self._on_beat)
        self._poll = QTimer(self)
        self._poll.setTimerType(Qt.TimerType.PreciseTimer)
        self._poll.setInterval(POLL_MS)
        self._poll.timeout.connect(self.poll)

    @property
    def running(self) -> bool:
        """Whether a worker runs."""
        return self._session is not None

    @property
    def armed(self) -> bool:
        """Whether the hand may move."""
        return self.state in (SessionState.ARMED, SessionState.ACTIVE)

    def start(self, config: p.SessionConfig) -> None:
        """Start a worker for ``config``, ending the one that runs, and connect the hand."""
        self.close()
        self.config = config
        self.metrics = SessionMetrics()
        self._sequence, self.latest = -1, None
        try:
            self._session = self._factory(config)
            self._session.start()
        except (DexgenError, OSError) as error:
            self._session = None
            self._set_state(SessionState.FAULT, str(error))
            self.happened.emit(_failure(error))
            return
        self._watch(self._session.event_fd, self._drain)
        self._watch(self._session.sentinel, self._on_exit)
        self._beat.start()
        self._poll.start()
        self._set_state(SessionState.CONNECTING, "starting the worker")
        self.send(p.Connect())

    def send(self, command: object) -> bool:
        """Send a command; return whether there was a worker to take it."""
        if self._session is None:
            return False
        try:
            self._session.send(command)
        except (OSError, ValueError) as error:
            log.warning("%s was not sent: %s", type(command).__name__, error)
            return False
        return True

    def stop_now(self) -> None:
        """STOP: through the shared flag and the pipe."""
        self.set_dead_man(False)
        if self._session is not None:
            self._session.stop_now()

    def set_dead_man(self, held: bool) -> None:
        """Hold or release the dead-man switch."""
        self.dead_man = held
        if self._session is not None:
            self._session.set_dead_man(held)

    def close(self, timeout: float = 5.0) -> None:
        """End the worker, if one runs."""
        if self._session is not None:
            self._release(timeout)
            self._set_state(SessionState.DISCONNECTED, "")

    def _release(self, timeout: float) -> None:
        session, self._session = self._session, None
        for notifier in self._notifiers:
            notifier.setEnabled(False)
            notifier.deleteLater()
        self._notifiers.clear()
        self._beat.stop()
        self._poll.stop()
        self.dead_man = False
        self.recording = p.RecordingStatus(active=False)
        if session is not None:
            try:
                session.close(timeout)
            except (OSError, DexgenError) as error:
                log.warning("the worker did not end cleanly: %s", error)

    def poll(self) -> None:
        """Read the ring once."""
        ring = self._session.ring if self._session is not None else None
        if ring is None:
            return
        try:
            rows, dropped = ring.read_since(self._sequence)
        except (OSError, ValueError, RuntimeError):
            return
        if not len(rows):
            return
        first = self._sequence < 0
        self._sequence = int(rows["sequence"][-1])
        self.latest = rows[-1]
        self.metrics.add(rows, 0 if first else dropped)
        self.rows.emit(rows)

    def _watch(self, descriptor: int, slot: Callable[[], None]) -> None:
        notifier = QSocketNotifier(descriptor, QSocketNotifier.Type.Read, self)
        notifier.activated.connect(lambda *_: slot())
        self._notifiers.append(notifier)

    def _on_beat(self) -> None:
        if self._session is not None:
            self._session.heartbeat()
            self._session.set_dead_man(self.dead_man)

    def _drain(self) -> None:
        session = self._session
        if session is None:
            return
        try:
            events = session.poll_events()
        except (OSError, EOFError):
            if self._notifiers:
                self._notifiers[0].setEnabled(False)
            return
        for event in events:
            self._handle(event)

    def _handle(self, event: object) -> None:
        if isinstance(event, p.StateChanged):
            self._set_state(SessionState(event.state), event.reason)
        elif isinstance(event, p.Ready):
            self.real = event.real
            self._sequence = -1
            self.ready.emit(event)
        elif isinstance(event, p.RecordingStatus):
            self.recording = event
        self.happened.emit(event)

    def _on_exit(self) -> None:
        """Notice the end of the worker; its exit code is known a moment later."""
        for notifier in self._notifiers:
            notifier.setEnabled(False)
        session = self._session
        if session is not None:
            self._drain()
            QTimer.singleShot(EXIT_MS, lambda: self._bury(session))

    def _bury(self, session: Session) -> None:
        if session is not self._session:
            return
        self._drain()
        code = getattr(session, "exitcode", None)
        self._release(timeout=0.5)
        text = "The worker process died" + (f" (exit code {code})" if code is not None else "")
        log.error("%s", text)
        self._set_state(SessionState.FAULT, text)
        self.died.emit(text)

    def _set_state(self, state: SessionState, reason: str) -> None:
        changed = state != self.state
        self.state = state
        if changed or reason:
            self.state_changed.emit(state, reason)


def _failure(error: Exception) -> p.Failure:
    if isinstance(error, DexgenError):
        return p.Failure(what=error.what, where=error.where, remedy=error.remedy)
    return p.Failure(what=str(error))
