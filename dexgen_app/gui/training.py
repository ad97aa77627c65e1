"""Starts, pauses and stops training runs: processes of their own, which outlive the window."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment, pyqtSignal

from dexgen_app.errors import InputError
from dexgen_app.gui.runs import is_alive
from dexgen_app.learn.run_folder import RunFolder

OUTPUT = "output.log"
_END_MS = 3000
_NICENESS = 5
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What the form asks for.

    Attributes:
        skill: Identifier of the skill.
        hand: Identifier of the hand.
        engine: ``genesis`` or ``mujoco``.
        device: ``cpu``, or ``cuda`` for one process on a graphics card.
        steps: Environment steps in all.
        environments: Environments in all.
        processes: Worker processes.
        seed: Seed of everything random.
        name: Name of the run; empty for one made of the skill and the time.
        settings: Texts ``field=value`` that differ from the skill's defaults.
    """

    skill: str
    hand: str
    engine: str = "mujoco"
    device: str = "cpu"
    steps: int = 2_000_000
    environments: int = 256
    processes: int = 2
    seed: int = 0
    name: str = ""
    settings: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """Return the arguments of ``dexgen-app`` that start it."""
        made = ["train", self.skill, "--run", self.name]
        for option in ("hand", "engine", "device", "steps", "environments", "processes", "seed"):
            if option != "processes" or self.device == "cpu":
                made += [f"--{option}", str(getattr(self, option))]
        for setting in self.settings:
            made += ["--set", setting]
        return made


class Training(QObject):
    """Starts runs and asks them to pause or stop through their folders.

    Signals:
        settings_read: A skill's id and its settings as plain values, or the text of an error.
    """

    settings_read = pyqtSignal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.started: dict[str, int] = {}
        self._readers: dict[str, QProcess] = {}

    def start(self, request: TrainRequest) -> str:
        """Start a new run; return its name.

        Raises:
            InputError: The name cannot be used, or the process does not start.
        """
        name = request.name or time.strftime(f"{request.skill}-%Y%m%d-%H%M%S")
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name!r} cannot be the name of a run",
                remedy="Use letters, digits, dots, dashes and underscores",
            )
        folder = RunFolder.named(name)
        if (folder.path / "config.json").exists():
            raise InputError(f"there is a run {name} already", remedy="Resume it, or choose a name")
        values = {**vars(request), "name": name}
        self._launch(folder, TrainRequest(**values).arguments())
        return name

    def pause(self, name: str) -> None:
        """Ask a run to wait after its iteration."""
        self._request(name, "pause")

    def stop(self, name: str) -> None:
        """Ask a run to save a checkpoint and end."""
        self._request(name, "stop")

    def resume(self, name: str, *, alive: bool) -> None:
        """Let a paused run go on, or start one again from its last checkpoint.

        Raises:
            InputError: The process does not start.
        """
        self._request(name, "")
        if not alive:
            self._launch(RunFolder.named(name), ["train", "--run", name, "--resume"])

    def output(self, name: str, lines: int = 12) -> str:
        """Return the last lines that a run printed."""
        try:
            data = (RunFolder.named(name).path / OUTPUT).read_bytes()[-8000:]
        except OSError:
            return ""
        return "\n".join(data.decode("utf-8", "replace").splitlines()[-lines:])

    def read_settings(self, skill: str) -> None:
        """Read a skill's settings in a process of its own, which imports what they need."""
        if skill in self._readers:
            return
        process = self._readers[skill] = QProcess(self)
        process.finished.connect(lambda *_: self._on_settings(skill, process))
        process.start(sys.executable, ["-m", "dexgen_app.gui.skill_settings", skill])

    def close(self) -> None:
        """End the processes that read settings; runs go on."""
        readers, self._readers = self._readers, {}
        for process in readers.values():
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(_END_MS)

    def _on_settings(self, skill: str, process: QProcess) -> None:
        text = bytes(process.readAllStandardOutput()).decode("utf-8", "replace")
        problem = bytes(process.readAllStandardError()).decode("utf-8", "replace").strip()
        self._readers.pop(skill, None)
        process.deleteLater()
        try:
            values: Any = json.loads(text.splitlines()[-1])
        except (ValueError, IndexError):
            values = problem.splitlines()[-1] if problem else "the settings cannot be read"
        self.settings_read.emit(skill, values)

    def _request(self, name: str, word: str) -> None:
        try:
            RunFolder.named(name).set_request(word)
        except OSError as error:
            raise InputError(
                f"the run cannot be told ({error.strerror or error})", where=name
            ) from error

    def _launch(self, folder: RunFolder, arguments: list[str]) -> None:
        if is_alive(self.started.get(folder.path.name, 0)):
            raise InputError(
                f"the run {folder.path.name} has a process already",
                remedy="One that was just stopped ends within seconds; try again then",
            )
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the run's folder cannot be made ({error.strerror or error})",
                where=str(folder.path),
            ) from error
        process = QProcess()
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        process.setProcessEnvironment(environment)
        process.setProgram(sys.executable)
        process.setArguments(["-m", "dexgen_app", *arguments])
        process.setWorkingDirectory(os.getcwd())
        process.setStandardInputFile(QProcess.nullDevice())
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.setStandardOutputFile(str(folder.path / OUTPUT), QProcess.OpenModeFlag.Append)
        started, pid = process.startDetached()
        if not started:
            raise InputError("the training process does not start", where=sys.executable)
        self.started[folder.path.name] = int(pid)
        if hasattr(os, "setpriority"):  # the live session comes first
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, int(pid), _NICENESS)
