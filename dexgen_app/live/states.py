"""The states of a live session and the ways between them."""

from __future__ import annotations

from collections.abc import Callable

from dexgen_app.errors import DexgenError
from dexgen_app.live.row import SessionState

_S = SessionState

TRANSITIONS: dict[SessionState, frozenset[SessionState]] = {
    _S.DISCONNECTED: frozenset({_S.CONNECTING}),
    _S.CONNECTING: frozenset({_S.CONNECTED, _S.DISCONNECTED}),
    _S.CONNECTED: frozenset({_S.ARMED, _S.STOPPED, _S.FAULT, _S.DISCONNECTED}),
    _S.ARMED: frozenset({_S.ACTIVE, _S.CONNECTED, _S.STOPPED, _S.FAULT, _S.DISCONNECTED}),
    _S.ACTIVE: frozenset({_S.ARMED, _S.CONNECTED, _S.STOPPED, _S.FAULT, _S.DISCONNECTED}),
    _S.STOPPED: frozenset({_S.CONNECTED, _S.FAULT, _S.DISCONNECTED}),
    _S.FAULT: frozenset({_S.CONNECTED, _S.DISCONNECTED}),
}
"""From each state, the states that may follow. Motion is possible in ACTIVE only, and the only
way there leads through ARMED; STOPPED and FAULT lead back to CONNECTED, never to ARMED."""


class TransitionError(DexgenError):
    """A command does not fit the state of the session."""


class StateMachine:
    """Keeps the state and refuses steps that ``TRANSITIONS`` does not have.

    Args:
        on_change: Called as ``on_change(state, reason)`` after every change.
    """

    def __init__(self, on_change: Callable[[SessionState, str], None]) -> None:
        self.state = SessionState.DISCONNECTED
        self._on_change = on_change

    def can(self, state: SessionState) -> bool:
        """Return whether ``state`` may follow the present one."""
        return state in TRANSITIONS[self.state]

    def move(self, state: SessionState, reason: str = "") -> None:
        """Go to ``state``; nothing happens if the session is in it already.

        Raises:
            TransitionError: ``state`` may not follow the present one.
        """
        if state == self.state:
            return
        if not self.can(state):
            raise TransitionError(
                f"the session is {self.state.name} and cannot become {state.name}",
                remedy=_REMEDIES.get(self.state, ""),
            )
        self.state = state
        self._on_change(state, reason)

    @property
    def connected(self) -> bool:
        """Whether a hand is open."""
        return self.state not in (_S.DISCONNECTED, _S.CONNECTING)

    @property
    def armed(self) -> bool:
        """Whether the dead-man switch can set the hand in motion."""
        return self.state in (_S.ARMED, _S.ACTIVE)


_REMEDIES = {
    _S.DISCONNECTED: "Connect first",
    _S.CONNECTING: "Wait until the hand is connected",
    _S.STOPPED: "Reset the stop first",
    _S.FAULT: "Remove the cause, then reset",
}
