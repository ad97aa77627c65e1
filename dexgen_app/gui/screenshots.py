"""Takes the pictures of the guide: a short play in a window that nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from PyQt6.QtCore import QObject, QPoint, QTimer
from PyQt6.QtGui import QPainter, QPixmap
from PyQt6.QtWidgets import QApplication

from dexgen_app.gui import theme
from dexgen_app.gui.app import Application
from dexgen_app.gui.dialogs import ShortcutsDialog
from dexgen_app.gui.view_overlay import paint_overlay
from dexgen_app.live import protocol as p
from dexgen_app.live.row import SessionState

_START_S = 600.0
_STEP_MS = 50

Wait = float | Callable[[], bool]
"""Seconds, or a condition."""


class Photographer(QObject):
    """Drives the window through what the guide shows, and saves a picture of each.

    Args:
        application: The window, shown.
        out: Folder of the pictures.
        size: Size of the window [px].

    Attributes:
        paths: The pictures that were made.
        problem: Why not all of them were made; empty if they were.
    """

    def __init__(self, application: Application, out: Path, size: tuple[int, int]) -> None:
        super().__init__(application.window)
        self._application, self._out = application, out
        self._window = application.window
        self._window.resize(*size)
        self._window.docks.reset("teleop")
        self.paths: list[Path] = []
        self.problem = ""
        self._waiting: Wait = 0.0
        self._waited = 0.0
        self._play = self._scenes()
        self._timer = QTimer(self)
        self._timer.setInterval(_STEP_MS)
        self._timer.timeout.connect(self._step)
        self._timer.start()

    def _step(self) -> None:
        self._waited += _STEP_MS / 1000
        if self._window.bridge.armed:
            if self._window.bridge.state == SessionState.ARMED:
                self._window.keys.hold_by_pointer(False)
            self._window.keys.hold_by_pointer(True)
        if callable(self._waiting):
            if not self._waiting():
                if self._waited > _START_S:
                    self._end("the session did not get as far as the pictures need")
                return
        elif self._waited < self._waiting:
            return
        self._waited = 0.0
        try:
            self._waiting = next(self._play)
        except StopIteration:
            self._end("")

    def _end(self, problem: str) -> None:
        self.problem = problem
        self._timer.stop()
        self._application.qt.quit()

    def _scenes(self) -> Iterator[Wait]:
        window, bridge, operator = self._window, self._window.bridge, self._window.operator
        yield lambda: bridge.state == SessionState.CONNECTED
        yield 1.0
        yield from self._episode(3.0, "fail", "too slow")
        yield from self._episode(4.0, "discard", "")
        operator.start_episode()
        window.toggle_arm()
        yield 9.0
        yield from self._save("teleop_dark")
        theme.apply(self._qt(), dark=False)
        yield 1.0
        yield from self._save("teleop_light")
        theme.apply(self._qt(), dark=True)
        window.palette_card.open()
        window.palette_card.edit.setText("lay")
        yield 0.6
        yield from self._save("palette")
        window.palette_card.dismiss()
        window.docks.show("plugins")
        yield 0.6
        yield from self._save("plugins")
        window.docks.show("log")
        operator.stop()
        yield lambda: bridge.state == SessionState.STOPPED
        yield 0.8
        window.toasts.clear()
        yield from self._save("stopped")
        operator.reset_stop()
        operator.end_episode("keep")
        operator.toggle_recording()
        yield lambda: not bridge.recording.active
        path = Path(bridge.recording.path)
        yield 1.0
        window.episodes.refresh()
        yield 2.0
        window.open_review(path, 2)
        yield 0.5
        window.timeline.set_position(4.0)
        window.toasts.clear()
        yield 1.2
        yield from self._save("review")
        window.close_review()
        dialog = ShortcutsDialog(window)
        dialog.show()
        yield 0.4
        self._keep(dialog.grab().save(str(self._out / "keys.png")), "keys")
        dialog.close()

    def _episode(self, seconds: float, mark: p.Mark, note: str) -> Iterator[Wait]:
        operator, bridge = self._window.operator, self._window.bridge
        operator.start_episode()
        self._window.toggle_arm()
        yield seconds
        operator.annotate(note)
        operator.end_episode(mark)
        operator.toggle_arm()
        yield lambda: bridge.state == SessionState.CONNECTED
        yield 0.3

    def _qt(self) -> QApplication:
        return self._application.qt

    def _save(self, name: str) -> Iterator[Wait]:
        self._window.toasts.clear()
        picture = self._window.grab()
        if not self._window.palette_card.isVisible():
            self._sharpen(picture)
        self._keep(picture.save(str(self._out / f"{name}.png")), name)
        # It kept the window from answering, which is logged: no part of the guide.
        yield 1.0
        self._window.log.clear()

    def _sharpen(self, picture: QPixmap) -> None:
        """Put the view in its best quality into a picture: a slow machine draws it coarsely."""
        view = self._window.view
        image = view.grab_image()
        if image.isNull():
            return
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(view.mapTo(self._window, QPoint(0, 0)))
        painter.setClipRect(view.rect())
        painter.drawImage(view.rect(), image)
        paint_overlay(painter, view.rect(), view.overlay)
        painter.end()

    def _keep(self, saved: bool, name: str) -> None:
        if saved:
            self.paths.append(self._out / f"{name}.png")
        else:
            self._end(f"{name}.png could not be written into {self._out}")
