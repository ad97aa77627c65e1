"""Plays the person's part in a window that nobody sees: connect, arm, record, report."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtGui import QPixmap

from dexgen_app import __version__
from dexgen_app.gui.app import Application
from dexgen_app.live import protocol as p
from dexgen_app.live.latency import SessionStatistics, format_report
from dexgen_app.live.row import SessionState

log = logging.getLogger("dexgen_app.gui")
_END_MS = 8000


class ScriptedRun(QObject):
    """Runs a session for some seconds in the window and leaves a picture, a recording and figures.

    Args:
        application: The window, shown.
        out: Folder of what it leaves: ``window.png``, ``session.mcap``, ``report.json``.
        seconds: Time from arming to the end [s].
        say: Takes lines for the user.
    """

    def __init__(
        self, application: Application, out: Path, seconds: float, say: Callable[[str], None]
    ) -> None:
        super().__init__(application.window)
        self._application, self._out, self._seconds, self._say = application, out, seconds, say
        self._window = application.window
        self._bridge = application.window.bridge
        self._statistics = SessionStatistics()
        self._failures: list[str] = []
        self._device = ""
        self._recording = p.RecordingStatus(active=False)
        self._begun = 0.0
        self._ended = False
        self._told = ""
        self._picture: QPixmap | None = None
        self.status = 1
        self._bridge.state_changed.connect(self._on_state)
        self._bridge.happened.connect(self._on_event)
        self._bridge.rows.connect(self._on_rows)
        self._nudge = QTimer(self)
        self._nudge.setInterval(500)
        self._nudge.timeout.connect(self._hold)

    def _on_state(self, state: SessionState, reason: str) -> None:
        self._tell(f"{state.name}{': ' + reason if reason else ''}")
        if state == SessionState.CONNECTED and not self._begun:
            self._begin()
        elif state in (SessionState.FAULT, SessionState.STOPPED) and not self._ended:
            self._failures.append(reason or state.name)
            self._end()

    def _begin(self) -> None:
        self._begun = time.monotonic()
        path = self._out / "session.mcap"
        path.unlink(missing_ok=True)
        self._bridge.send(p.StartRecording(str(path)))
        self._bridge.send(p.StartEpisode())
        self._bridge.send(p.Arm())
        self._nudge.start()
        QTimer.singleShot(int(self._seconds * 1000), self._end)

    def _hold(self) -> None:
        """Hold the dead-man switch, also again after the session let go of it."""
        if self._bridge.state == SessionState.ARMED:
            self._window.keys.hold_by_pointer(False)
        self._window.keys.hold_by_pointer(True)

    def _on_rows(self, rows: np.ndarray) -> None:
        if self._begun and not self._ended:
            self._statistics.add(rows)

    def _on_event(self, event: object) -> None:
        if isinstance(event, p.Progress):
            done = event.fraction is not None and event.fraction >= 1.0
            self._tell(f"{event.text}{': done' if done else ''}")
        elif isinstance(event, p.Failure):
            self._failures.append(event.what)
            self._tell(f"{event.what} {event.remedy}".strip())
        elif isinstance(event, p.DeviceStatus):
            self._device = event.text
        elif isinstance(event, p.RecordingStatus):
            self._recording = event
            if self._ended and not event.active:
                self._finish()

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._nudge.stop()
        self._window.toasts.clear()
        self._picture = self._window.grab()
        self._bridge.send(p.EndEpisode("keep"))
        self._bridge.send(p.StopRecording())
        self._window.keys.release()
        QTimer.singleShot(_END_MS if self._recording.active else 200, self._finish)

    def _finish(self) -> None:
        if self._told == "finished":
            return
        self._told = "finished"
        if self._picture is not None:  # not before: compressing it would hold up the heartbeat
            self._picture.save(str(self._out / "window.png"))
        report = self.report()
        (self._out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        print(format_report(report), flush=True)
        for text in self._failures:
            self._say(f"failed: {text}")
        names = ("window.png", "session.mcap", "report.json")
        made = [str(self._out / name) for name in names if (self._out / name).exists()]
        self._say(f"left behind: {', '.join(made)}")
        self.status = 1 if self._failures or not report.get("ticks") else 0
        self._application.qt.quit()

    def report(self) -> dict[str, Any]:
        """Return the figures of the run, as plain data."""
        config = self._window.operator.config
        figures = self._bridge.metrics.figures()
        return {
            "hand": config.hand,
            "engine": config.engine,
            "device": config.device,
            "controller": config.controller,
            "seed": config.seed,
            "config": asdict(config),
            "version": __version__,
            "device_status": self._device,
            **self._statistics.report(),
            "rows_lost": figures.dropped,
            "view_fps": round(self._window.view.fps, 1),
            "recording": {
                "path": self._recording.path,
                "rows": self._recording.rows,
                "dropped": self._recording.dropped,
                "error": self._recording.error,
            },
            "failures": self._failures,
        }

    def _tell(self, text: str) -> None:
        if text != self._told and self._told != "finished":
            self._told = text
            self._say(text)
