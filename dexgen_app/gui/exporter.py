"""Exports a review as pictures in a process of its own, so that the window never waits."""

from __future__ import annotations

import logging
import os
import sys

from PyQt6.QtCore import QObject, QProcess, pyqtSignal

from dexgen_app.errors import InputError
from dexgen_app.render.export_job import ExportJob

log = logging.getLogger("dexgen_app.gui")
_END_MS = 2000


class Exporter(QObject):
    """Runs one export at a time.

    Signals:
        progress: Share that is done, 0 to 1.
        done: The file or folder that was written.
        failed: Why it was not; empty if it was cancelled.
    """

    progress = pyqtSignal(float)
    done = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._cancelled = False
        self._last = ""

    @property
    def running(self) -> bool:
        """Whether an export runs."""
        return self._process is not None

    def start(self, job: ExportJob) -> None:
        """Begin an export.

        Raises:
            InputError: One runs already.
        """
        if self.running:
            raise InputError("an export runs already", remedy="Wait for it, or cancel it")
        self._cancelled, self._last = False, ""
        process = self._process = QProcess(self)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        process.started.connect(self._step_back)
        process.start(sys.executable, ["-m", "dexgen_app.render.export_job", job.to_json()])

    def cancel(self) -> None:
        """End a running export; half a file is not left behind."""
        if self._process is not None:
            self._cancelled = True
            self._process.terminate()

    def close(self) -> None:
        """End a running export and wait for its end."""
        process = self._process
        if process is not None:
            self.cancel()
            if not process.waitForFinished(_END_MS):
                process.kill()
                process.waitForFinished(_END_MS)

    def _read(self) -> None:
        while self._process is not None and self._process.canReadLine():
            line = bytes(self._process.readLine()).decode().strip()
            try:
                self.progress.emit(float(line))
            except ValueError:
                self._last = line

    def _step_back(self) -> None:
        """Let the live session go first."""
        if self._process is not None and hasattr(os, "setpriority"):
            try:
                os.setpriority(os.PRIO_PROCESS, self._process.processId(), 5)
            except OSError as error:
                log.info("the export runs at the usual priority: %s", error)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._finish("the export does not start")

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        process = self._process
        if process is None:
            return
        self._read()
        lines = bytes(process.readAllStandardError()).decode("utf-8", "replace").splitlines()
        bad = code != 0 or status != QProcess.ExitStatus.NormalExit
        self._finish((lines[-1] if lines else "the export ended early") if bad else "")

    def _finish(self, problem: str) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        if self._cancelled:
            self.failed.emit("")
        elif problem:
            self.failed.emit(problem)
        else:
            self.done.emit(self._last)
