"""What a plugin's panel or action sees of the application: the ``app`` of its factory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from dexgen_app.gui import theme
from dexgen_app.gui.operator import Operator
from dexgen_app.live.protocol import SessionConfig
from dexgen_app.live.row import SessionState
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import HandSpec


class AppContext(QObject):
    """A stable view of the application for plugins; the window itself is not part of it.

    Signals:
        rows: New rows of the state ring (``live.row.row_dtype``), at most 30 times a second.
        state_changed: The session's state, as a word.
        happened: Every event of ``live.protocol``.
        theme_changed: Whether the window is dark now.
    """

    rows = pyqtSignal(object)
    state_changed = pyqtSignal(str)
    happened = pyqtSignal(object)
    theme_changed = pyqtSignal(bool)
    notified = pyqtSignal(str, str)
    review_wanted = pyqtSignal(object, int)

    def __init__(self, operator: Operator) -> None:
        super().__init__()
        self._operator = operator
        bridge = operator.bridge
        bridge.rows.connect(self.rows)
        bridge.happened.connect(self.happened)
        bridge.state_changed.connect(self._on_state)
        theme.notifier().changed.connect(self._on_theme)

    @property
    def registry(self) -> PluginRegistry:
        """Everything that is installed."""
        return self._operator.registry

    @property
    def config(self) -> SessionConfig:
        """The session's configuration."""
        return self._operator.config

    @property
    def hand(self) -> HandSpec | None:
        """The chosen hand."""
        return self._operator.hand

    @property
    def state(self) -> SessionState:
        """The session's state."""
        return self._operator.bridge.state

    @property
    def latest(self) -> np.void | None:
        """The newest row of the state ring."""
        return self._operator.bridge.latest

    @property
    def dark(self) -> bool:
        """Whether the window is dark."""
        return theme.colors().dark

    def send(self, command: object) -> bool:
        """Send a command of ``live.protocol``; return whether a worker took it."""
        return self._operator.bridge.send(command)

    def notify(self, text: str, tone: str = "info") -> None:
        """Show a short message; ``tone`` is ``info``, ``ok``, ``warn`` or ``bad``."""
        self.notified.emit(text, tone)

    def review(self, path: Path, episode: int = -1) -> None:
        """Open a recording in the review."""
        self.review_wanted.emit(Path(path), episode)

    def _on_state(self, state: SessionState, _reason: str) -> None:
        self.state_changed.emit(state.name)

    def _on_theme(self) -> None:
        self.theme_changed.emit(theme.colors().dark)
