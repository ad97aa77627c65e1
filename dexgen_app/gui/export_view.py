"""How a review is exported: where to, a banner with the progress, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QFileDialog

from dexgen_app.errors import DexgenError
from dexgen_app.gui.exporter import Exporter

if TYPE_CHECKING:
    from dexgen_app.gui.window import MainWindow

_FILTERS = ("Animation (*.gif)", "Animation (*.webp)", "Folder of PNG pictures (*)")
_SUFFIXES = (".gif", ".webp", "")


class ExportView(QObject):
    """Lets a person export a review.

    Args:
        window: The window.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.exporter = Exporter(self)
        self.exporter.progress.connect(self._on_progress)
        self.exporter.done.connect(self._on_done)
        self.exporter.failed.connect(self._on_failed)
        window.timeline.export_wanted.connect(self.choose)
        window.review.opened.connect(lambda _: window.timeline.export.show())
        window.review.closed.connect(window.timeline.export.hide)

    def choose(self) -> None:
        """Ask where to and begin; while an export runs, end it."""
        window, recording = self._window, self._window.review.recording
        if self.exporter.running:
            self.exporter.cancel()
            return
        if recording is None:
            window.toasts.show("Open a recording first (Ctrl+O)", "info")
            return
        window.timeline.pause()
        proposal = recording.path.with_suffix(".gif")
        text, chosen = QFileDialog.getSaveFileName(
            window, "Export the review between the marks", str(proposal), ";;".join(_FILTERS)
        )
        if text:
            self.start(with_suffix(Path(text), chosen))

    def start(self, path: Path) -> None:
        """Export to a path: ``.gif``, ``.webp``, or a folder."""
        try:
            self.exporter.start(self._window.review.export_job(path))
        except DexgenError as error:
            self._window.toasts.show(str(error), "bad")
            return
        self._window.toasts.show(f"Exporting to {path.name}; Ctrl+E again ends it", "info")

    def close(self) -> None:
        """End a running export."""
        self.exporter.close()

    def _on_progress(self, share: float) -> None:
        self._window.status.message.setText(f"Export {100.0 * share:.0f} %")

    def _on_done(self, path: str) -> None:
        self._window.status.message.setText("")
        self._window.toasts.show(f"Exported {path}", "ok")

    def _on_failed(self, problem: str) -> None:
        self._window.status.message.setText("")
        text = f"The export failed: {problem}" if problem else "The export was cancelled"
        self._window.toasts.show(text, "bad" if problem else "info")


def with_suffix(path: Path, chosen: str) -> Path:
    """Return the path that was typed, with the suffix of the chosen kind if it has none of ours."""
    suffix = dict(zip(_FILTERS, _SUFFIXES)).get(chosen, "")
    return path if path.suffix.lower() in _SUFFIXES[:2] else Path(f"{path}{suffix}")
