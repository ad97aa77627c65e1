"""Log: the records of all processes, with a level filter, a search and a copy button."""

from __future__ import annotations

import html
import logging
import time
from collections import deque
from dataclasses import dataclass

from PyQt6.QtCore import QObject, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.gui import theme
from dexgen_app.gui.widgets import tool
from dexgen_app.live.protocol import LogLine

MAX_LINES = 5000
_LEVELS = (("All", 0), ("Info", 20), ("Warnings", 30), ("Errors", 40))


class LogSource(QObject):
    """Carries log records from any thread to the window.

    Signals:
        record_made: A ``LogLine``.
    """

    record_made = pyqtSignal(object)


class LogBridge(logging.Handler):
    """A logging handler that only emits a signal, so that any thread may log."""

    def __init__(self) -> None:
        super().__init__()
        self.source = LogSource()

    def emit(self, record: logging.LogRecord) -> None:
        """Turn a record into a line; other packages are heard from warnings on."""
        if record.levelno < logging.WARNING and not record.name.startswith("dexgen"):
            return
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        line = LogLine(level=record.levelno, name=record.name, text=text, wall_time=record.created)
        try:
            self.source.record_made.emit(line)
        except RuntimeError:
            return


@dataclass(frozen=True)
class Line:
    """A line of the log and the process it came from."""

    record: LogLine
    process: str


class LogPanel(QWidget):
    """Shows the newest lines."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[Line] = deque(maxlen=MAX_LINES)
        self._waiting: list[Line] = []
        self.level = QComboBox()
        for title, value in _LEVELS:
            self.level.addItem(title, value)
        self.level.setCurrentIndex(1)
        self.level.setAccessibleName("Least level")
        self.search = QLineEdit(placeholderText="Search")
        self.search.setAccessibleName("Search the log")
        self.search.setClearButtonEnabled(True)
        copy = tool("mdi6.content-copy", "Copy what is shown", flat=True)
        clear = tool("mdi6.trash-can-outline", "Empty the log", flat=True)
        self.text = QPlainTextEdit()
        self.text.setObjectName("mono")
        self.text.setReadOnly(True)
        self.text.setUndoRedoEnabled(False)
        self.text.setMaximumBlockCount(MAX_LINES)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        head = QHBoxLayout()
        head.setContentsMargins(10, 6, 8, 5)
        head.setSpacing(6)
        head.addWidget(self.level)
        head.addWidget(self.search, 1)
        head.addWidget(copy)
        head.addWidget(clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setFocusProxy(self.search)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.text, 1)
        self.level.currentIndexChanged.connect(self._redraw)
        self.search.textChanged.connect(self._redraw)
        copy.clicked.connect(self.copy)
        clear.clicked.connect(self.clear)
        self._timer = QTimer(self)
        self._timer.setInterval(100)
        self._timer.timeout.connect(self._flush)
        self._timer.start()
        theme.notifier().changed.connect(self._redraw)

    def add(self, record: LogLine, process: str = "window") -> None:
        """Append a record of a process."""
        line = Line(record, process)
        self._lines.append(line)
        if self._fits(line):
            self._waiting.append(line)

    def add_own(self, record: LogLine) -> None:
        """Append a record of this process."""
        self.add(record)

    def add_worker(self, record: LogLine) -> None:
        """Append a record of the live worker."""
        self.add(record, "worker")

    def copy(self) -> None:
        """Put what is shown on the clipboard."""
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.text.toPlainText())

    def clear(self) -> None:
        """Empty the log."""
        self._lines.clear()
        self._redraw()

    def _fits(self, line: Line) -> bool:
        if line.record.level < self.level.currentData():
            return False
        wanted = self.search.text().lower()
        return not wanted or wanted in f"{line.record.name} {line.record.text}".lower()

    def _redraw(self) -> None:
        self.text.clear()
        self._waiting = [line for line in self._lines if self._fits(line)]
        self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting[-MAX_LINES:], []
        bar = self.text.verticalScrollBar()
        follow = bar is None or bar.value() >= bar.maximum() - 4
        self.text.setUpdatesEnabled(False)
        for line in waiting:
            self.text.appendHtml(_markup(line))
        self.text.setUpdatesEnabled(True)
        if follow and bar is not None:
            bar.setValue(bar.maximum())
            side = self.text.horizontalScrollBar()
            if side is not None:
                side.setValue(0)


def _markup(line: Line) -> str:
    c = theme.colors()
    level = line.record.level
    color = c.bad if level >= 40 else c.warn if level >= 30 else c.muted
    clock = time.strftime("%H:%M:%S", time.localtime(line.record.wall_time))
    text = html.escape(line.record.text).replace("\n", "<br>").replace("  ", "&nbsp; ")
    name = line.record.name.removeprefix("dexgen_app.")
    word = logging.getLevelName(level)[:5].ljust(5).replace(" ", "&nbsp;")
    return (
        f"<span style='color:{c.muted}'>{clock}</span>&nbsp; "
        f"<span style='color:{color}'>{word}</span>&nbsp; "
        f"<span style='color:{c.muted}'>{line.process}·{html.escape(name)}</span>&nbsp; {text}"
    )
