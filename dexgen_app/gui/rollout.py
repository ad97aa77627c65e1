"""A window that shows a policy at work, played by a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QProcess, Qt
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from dexgen_app.errors import DexgenError
from dexgen_app.gui import theme
from dexgen_app.gui.view3d import HandView
from dexgen_app.gui.widgets import muted
from dexgen_app.live.row import row_dtype
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import GRAVITY_DIRECTIONS, ObjectSpec

AS_TRAINED = "as trained"


class RolloutWindow(QWidget):
    """Plays any checkpoint of a run, or the policy that a skill ships.

    Args:
        registry: The installed plugins; finds the hand.
        name: Name of the run or the skill.
        policies: The actors to choose from, by title; the first one plays.
        parent: The window that it belongs to.
    """

    def __init__(
        self,
        registry: PluginRegistry,
        name: str,
        policies: Mapping[str, Path],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"{name} at work")
        self.resize(720, 560)
        self._registry = registry
        self._process: QProcess | None = None
        self._buffer = b""
        self._dtype: np.dtype | None = None
        self._seconds = 0.0
        self.rows = 0
        self.view = HandView()
        self.policy = QComboBox()
        self.policy.setAccessibleName("Checkpoint")
        for title, path in policies.items():
            self.policy.addItem(title, str(path))
        self.gravity = QComboBox()
        self.gravity.setAccessibleName("Gravity")
        self.gravity.addItem(f"gravity {AS_TRAINED}", "")
        for direction in GRAVITY_DIRECTIONS:
            self.gravity.addItem(direction.replace("_", " "), direction)
        self.line = muted("")
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 6, 8, 6)
        bar.addWidget(self.policy)
        bar.addWidget(self.gravity)
        bar.addWidget(self.line, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.view, 1)
        layout.addLayout(bar)
        theme.follow(self, self._retheme)
        self.policy.currentIndexChanged.connect(lambda _: self.start())
        self.gravity.currentIndexChanged.connect(lambda _: self.start())

    def start(self) -> None:
        """Play the chosen checkpoint from its beginning."""
        self.stop()
        self._buffer, self._dtype, self.rows = b"", None, 0
        self.line.setText("Starting")
        self.view.set_banner("The simulation starts")
        process = self._process = QProcess(self)
        process.readyReadStandardOutput.connect(lambda: self._read(process))
        process.finished.connect(lambda *_: self._on_end(process))
        words = ["-m", "dexgen_app.learn.play", str(self.policy.currentData())]
        if self.gravity.currentData():
            words += ["--gravity", str(self.gravity.currentData())]
        process.start(sys.executable, words)

    def stop(self) -> None:
        """End the process that plays."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.waitForFinished(3000)
            process.deleteLater()

    def _retheme(self) -> None:
        self.view.set_theme("dark" if theme.colors().dark else "light")

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """End the process and free what the view draws with."""
        self.stop()
        self.view.release()
        super().closeEvent(event)

    def _read(self, process: QProcess) -> None:
        if process is not self._process:
            return
        self._buffer += bytes(process.readAllStandardOutput())
        if self._dtype is None and not self._read_head():
            return
        assert self._dtype is not None
        size = self._dtype.itemsize
        count = len(self._buffer) // size
        if count:
            row = np.frombuffer(self._buffer, self._dtype, count)[-1]
            self._buffer = self._buffer[count * size :]
            self.rows += count
            self._show(row)

    def _read_head(self) -> bool:
        head, line, rest = self._buffer.partition(b"\n")
        if not line:
            return False
        facts = json.loads(head)
        hand = self._registry.find_hand(facts["hand"])
        thing = dict(facts["object"])
        thing["size"] = tuple(thing["size"])
        self._seconds = float(facts["step_seconds"])
        try:
            self.view.set_hand(hand, ObjectSpec(**thing))
        except DexgenError as error:
            self.line.setText(str(error))
            return False
        self.view.set_banner("")
        self._dtype, self._buffer = row_dtype(hand.joint_count), rest
        return True

    def _show(self, row: np.void) -> None:
        self.view.set_row(row)
        plural = "" if int(row["episode"]) == 1 else "s"
        self.line.setText(
            f"{int(row['tick']) * self._seconds:.0f} s, {int(row['episode'])} episode{plural} ended"
        )

    def _on_end(self, process: QProcess) -> None:
        if process is not self._process:
            return
        text = bytes(process.readAllStandardError()).decode("utf-8", "replace").strip()
        self.view.set_banner("")
        self.line.setText(text.splitlines()[-1] if text else "The simulation ended")
