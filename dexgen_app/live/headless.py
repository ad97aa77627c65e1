"""A live session without a window: started, armed, watched and reported from the terminal."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from dexgen_app import __version__
from dexgen_app.errors import DexgenError
from dexgen_app.files import write_text
from dexgen_app.live import protocol as p
from dexgen_app.live.client import LiveSession
from dexgen_app.live.latency import SessionStatistics, format_report
from dexgen_app.live.row import SessionState

log = logging.getLogger("dexgen_app.live")

_POLL_S = 0.02
_END_S = 20.0
_NOISE = "dexgen_app.live.loop"


class HeadlessRun:
    """Plays the person's part: heartbeat, arming, recording, and keeping the figures.

    Args:
        session: The session, not started.
        seconds: Time after arming [s]; 0 goes on until ``end`` is called.
        record: File to record into; empty records nothing.
        arm: Whether to arm when the hand is connected.
        say: Takes lines for the user.
    """

    def __init__(
        self,
        session: LiveSession,
        *,
        seconds: float,
        record: str,
        arm: bool,
        say: Callable[[str], None],
    ) -> None:
        self.session = session
        self.statistics = SessionStatistics()
        self.failures: list[p.Failure] = []
        self.recording = p.RecordingStatus(active=False)
        self.device: p.DeviceStatus | None = None
        self.state = SessionState.DISCONNECTED
        self._seconds = seconds
        self._record = record
        self._arm = arm
        self._say = say
        self._ending = False
        self._begun: float | None = None
        self._sequence = -1
        self._progress = ""

    @property
    def patience(self) -> float:
        """Time that the worker gets to end [s]: little while it only starts a simulator."""
        return 1.0 if self._begun is None else _END_S

    def end(self) -> None:
        """Ask for the end of the run."""
        self._ending = True

    def run(self) -> None:
        """Run until the time is over, ``end`` is called or nothing goes on.

        Raises:
            DexgenError: The worker died.
        """
        self.session.start()
        self.session.send(p.Connect())
        while not self._ending and not self._over():
            self.session.heartbeat()
            self._take_events()
            self._take_rows()
            if not self.session.alive:
                raise DexgenError(
                    f"the worker process died (exit code {self.session.exitcode})",
                    remedy="Run again with --log-level debug and report it",
                )
            time.sleep(_POLL_S)
        self._finish()

    def _over(self) -> bool:
        if self._begun is None:
            return False
        return 0.0 < self._seconds <= time.monotonic() - self._begun

    def _take_events(self) -> None:
        try:
            events = self.session.poll_events()
        except EOFError:
            return
        for event in events:
            self._take(event)

    def _take(self, event: Any) -> None:
        if isinstance(event, p.Progress):
            text = event.text if event.fraction != 1.0 else f"{event.text}: done"
            if text != self._progress:
                self._progress = text
                self._say(text)
        elif isinstance(event, p.Failure):
            self.failures.append(event)
            remedy = f". {event.remedy}" if event.remedy else ""
            self._say(f"{event.where + ': ' if event.where else ''}{event.what}{remedy}")
            # What was asked for does not exist: there is no point in starting a simulator.
            self._ending = self._ending or self._begun is None
        elif isinstance(event, p.LogLine):
            shown = event.level if event.name != _NOISE else logging.DEBUG
            logging.getLogger(event.name).log(shown, "%s", event.text)
        elif isinstance(event, p.StateChanged):
            self._enter(SessionState(event.state), event.reason)
        elif isinstance(event, p.Ready):
            self._on_ready()
        elif isinstance(event, p.DeviceStatus):
            self.device = event
        elif isinstance(event, p.ControllerStatus):
            if event.remark and self.state == SessionState.ACTIVE:
                self._say(f"{event.controller}: {event.remark}")
        elif isinstance(event, p.RecordingStatus):
            self.recording = event
            if event.error:
                self.failures.append(p.Failure(what=event.error))
                self._say(event.error)

    def _enter(self, state: SessionState, reason: str) -> None:
        was, self.state = self.state, state
        self._say(f"{state.name}{': ' + reason if reason else ''}")
        if state == SessionState.DISCONNECTED and was == SessionState.CONNECTING:
            self._ending = True
        if state in (SessionState.STOPPED, SessionState.FAULT):
            self._ending = True

    def _on_ready(self) -> None:
        # Rows from before are of no interest: nothing was connected.
        self._sequence = self.session.ring.head
        self._begun = time.monotonic()
        if self._record:
            self.session.send(p.StartRecording(self._record))
            self.session.send(p.StartEpisode())
        if self._arm:
            self.session.send(p.Arm())

    def _take_rows(self) -> None:
        if self._begun is None:
            return
        rows, lost = self.session.ring.read_since(self._sequence)
        if len(rows):
            self._sequence = int(rows["sequence"][-1])
            self.statistics.add(rows, lost)

    def _finish(self) -> None:
        """End the session and hear its last words."""
        self._take_rows()
        if self.recording.active:
            self.session.send(p.EndEpisode("keep"))
        self.session.send(p.Shutdown())
        deadline = time.monotonic() + self.patience
        while self.session.alive and time.monotonic() < deadline:
            self._take_events()
            time.sleep(_POLL_S)
        self._take_events()
        self._judge_device()

    def _judge_device(self) -> None:
        """A device that never sent anything usable is a failure, for nothing was driven."""
        device = self.device
        if device is None or device.connected or self.failures or self.statistics.samples:
            return
        if self.statistics.rows:
            failure = p.Failure(what=f"it drove nothing: {device.text}", where=device.device)
            self.failures.append(failure)
            self._say(f"device {failure.where}: {failure.what}")

    def report(self) -> dict[str, Any]:
        """Return the figures of the run."""
        config = self.session.config
        return {
            "hand": self.session.hand.id,
            "engine": config.engine if config.driver == "sim" else config.driver,
            "device": config.device,
            "controller": config.controller,
            "seed": config.seed,
            "config": asdict(config),
            "version": __version__,
            "device_status": self.device.text if self.device else "",
            **self.statistics.report(),
            "recording": {
                "path": self.recording.path,
                "rows": self.recording.rows,
                "dropped": self.recording.dropped,
                "error": self.recording.error,
            },
            "failures": [failure.what for failure in self.failures],
        }


def run_headless(
    config: p.SessionConfig,
    *,
    seconds: float = 0.0,
    record: str = "",
    report: str = "",
    arm: bool = True,
    say: Callable[[str], None] | None = None,
) -> int:
    """Run a session without a window and print its report; Ctrl-C ends it cleanly.

    Args:
        config: The session.
        seconds: Time after connecting [s]; 0 goes on until Ctrl-C.
        record: Session file to write.
        report: JSON file for the report.
        arm: Whether to arm.
        say: Takes lines for the user; None prints them.

    Returns:
        0, or 2 if something that was asked for did not work.
    """
    if report:
        report = str(Path(report).expanduser())
        check_writable(Path(report))
    if record:
        check_writable(Path(record))
        if Path(record).expanduser().exists():
            raise DexgenError(
                "the file exists", where=record, remedy="A recording is never overwritten"
            )
    if record and report and Path(record).expanduser().absolute() == Path(report).absolute():
        raise DexgenError("the report would overwrite the recording", where=report)
    say = say or _print
    session = LiveSession(config)
    run = HeadlessRun(session, seconds=seconds, record=record, arm=arm, say=say)

    def end(_number: int, _frame: FrameType | None) -> None:
        run.end()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        run.run()
    finally:
        session.close(run.patience)
        for number, handler in before.items():
            signal.signal(number, handler)
    figures = run.report()
    if run.statistics.rows:
        say(format_report(figures))
    if run.recording.path:
        say(f"recorded {run.recording.rows} rows into {run.recording.path}")
    if report:
        write_text(Path(report), json.dumps(figures, indent=2) + "\n")
        say(f"the report is in {report}")
    return 2 if run.failures else 0


def _print(text: str) -> None:
    print(text, flush=True, file=sys.stdout)


def check_writable(path: Path) -> None:
    """Raise DexgenError if a file cannot be made at ``path``."""
    path = path.expanduser().absolute()
    folder = path.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise DexgenError(
            "the folder does not exist or cannot be written",
            where=str(folder),
            remedy="Make it, or choose another one",
        )
    if path.is_dir():
        raise DexgenError("this is a folder", where=str(path), remedy="Name a file")
