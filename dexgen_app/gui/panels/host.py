"""Hosts a plugin's panel: built when first shown; a failure shows itself and offers a retry."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from dexgen_app.gui.widgets import button


class PanelHost(QWidget):
    """Builds a panel lazily and keeps its errors to itself.

    Signals:
        failed: The panel could not be built; the text says why.
    """

    failed = pyqtSignal(str)

    def __init__(self, title: str, build: Callable[[], object]) -> None:
        super().__init__()
        self._title, self._build = title, build
        self.content: QWidget | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Build the panel when it is first seen."""
        if self.content is None:
            self.build()
        super().showEvent(event)

    def build(self) -> None:
        """Build the panel, or show why it cannot be built."""
        if self.content is not None:
            self._layout.removeWidget(self.content)
            self.content.deleteLater()
        try:
            made = self._build()
            if not isinstance(made, QWidget):
                raise TypeError(f"the factory returned {type(made).__name__}, not a QWidget")
            self.content = made
        except Exception as error:
            self.content = self._failure(error)
            self.failed.emit(f"The panel {self._title} failed: {error}")
        self._layout.addWidget(self.content)

    def _failure(self, error: Exception) -> QWidget:
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(QLabel("This panel failed", objectName="heading"))
        text = QPlainTextEdit("".join(traceback.format_exception(error)))
        text.setObjectName("mono")
        text.setReadOnly(True)
        layout.addWidget(text, 1)
        retry = button("Retry", "mdi6.refresh")
        retry.clicked.connect(self.build)
        layout.addWidget(retry)
        return body
