"""The timeline below the 3D view: play, step, speed, loop, marks and events."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from dexgen_app.gui import theme
from dexgen_app.gui.timeline_track import TimelineEvent, TimelineTrack

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
_STEP_S = 1.0 / 60.0
_TICK_MS = 33

__all__ = ["SPEEDS", "Timeline", "TimelineEvent", "format_time"]


class Timeline(QWidget):
    """A scrubber that plays on the recorded clock.

    In Review, Space plays, the arrows step (with shift by a second), ``[`` and ``]`` set the in
    and the out mark, Home and End go to them. In a live session none of these keys act, because
    Space is the dead-man switch there; the timeline then only shows the time that has passed.

    Signals:
        position_changed: Seconds from the start; on playing, stepping and dragging.
        playing_changed: Whether it plays.
        speed_changed: Playing speed relative to the recorded clock.
        range_changed: In and out mark [s].
        live_changed: Whether the right end is followed.
        export_wanted: The export button was pressed.
    """

    position_changed = pyqtSignal(float)
    playing_changed = pyqtSignal(bool)
    speed_changed = pyqtSignal(float)
    range_changed = pyqtSignal(float, float)
    live_changed = pyqtSignal(bool)
    export_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.setAccessibleName("Timeline of the recording")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._review = False
        self._live = False
        self._playing = False
        self._step_s = _STEP_S
        self._last = 0.0
        self.track = TimelineTrack(self)
        self.track.dragged.connect(self._on_dragged)
        self.track.range_dragged.connect(self.set_range)
        self._start = self._button("mdi6.skip-previous", "Go to the in mark (Home)", self.to_start)
        self._back = self._button("mdi6.step-backward", "One row back (Left)", self.step_back)
        self._play = self._button("mdi6.play", "Play (Space)", self.toggle)
        self._next = self._button("mdi6.step-forward", "One row on (Right)", self.step_forward)
        self._loop = self._button("mdi6.repeat", "Repeat between the marks", self._on_loop)
        self._loop.setCheckable(True)
        self.export = self._button(
            "mdi6.export-variant", "Export as pictures or an animation", self.export_wanted.emit
        )
        self.export.hide()
        self._clock = QLabel("0:00.00 / 0:00.00", self)
        self._clock.setAccessibleName("Time")
        self._clock.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._speed = QComboBox(self)
        self._speed.setAccessibleName("Playing speed")
        self._speed.setToolTip("Playing speed")
        self._speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for speed in SPEEDS:
            self._speed.addItem(f"{speed:g}x", speed)
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._speed.currentIndexChanged.connect(self._on_speed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 2)
        layout.setSpacing(2)
        for button in (self._start, self._back, self._play, self._next, self._loop):
            layout.addWidget(button)
        layout.addWidget(self.track, 1)
        layout.addWidget(self._clock)
        layout.addWidget(self._speed)
        layout.addWidget(self.export)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._advance)
        self._show_playing()
        self._show_time()

    def _button(self, icon: str, tip: str, action: Callable[[], None]) -> QToolButton:
        button = QToolButton(self)
        theme.set_icon(button, icon)
        button.setToolTip(tip)
        button.setAccessibleName(tip.split(" (")[0])
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(action)
        return button

    # What it shows --------------------------------------------------------------------------

    @property
    def duration(self) -> float:
        """Length [s]."""
        return self.track.duration

    @property
    def position(self) -> float:
        """Place of the scrubber [s]."""
        return self.track.position

    @property
    def range(self) -> tuple[float, float]:
        """In and out mark [s]."""
        return self.track.mark_in, self.track.mark_out

    @property
    def speed(self) -> float:
        """Playing speed relative to the recorded clock."""
        return float(self._speed.currentData())

    @property
    def loop(self) -> bool:
        """Whether playing repeats between the marks."""
        return self._loop.isChecked()

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._playing

    @property
    def live(self) -> bool:
        """Whether the right end is followed."""
        return self._live

    def set_duration(self, seconds: float, step_s: float = _STEP_S) -> None:
        """Take a length; marks go to both ends. ``step_s`` is what the arrows step [s]."""
        self.track.duration = max(0.0, float(seconds))
        self._step_s = step_s
        self.set_range(0.0, self.duration)
        self.set_position(0.0)

    def extend(self, seconds: float) -> None:
        """Let a live timeline grow; its position follows the end."""
        self.track.duration = max(self.duration, float(seconds))
        self.track.mark_out = self.duration
        if self._live:
            self.track.position = self.duration
        self._show_time()

    def set_events(self, events: Sequence[TimelineEvent]) -> None:
        """Show ticks."""
        self.track.events = tuple(events)
        self.track.update()

    def set_position(self, seconds: float) -> None:
        """Move the scrubber and tell of it."""
        self.track.position = min(self.duration, max(0.0, float(seconds)))
        self._show_time()
        self.position_changed.emit(self.position)

    def set_range(self, start: float, stop: float) -> None:
        """Set the in and the out mark [s]."""
        start = min(self.duration, max(0.0, start))
        stop = min(self.duration, max(start, stop))
        self.track.mark_in, self.track.mark_out = start, stop
        self.track.update()
        self.range_changed.emit(start, stop)

    def set_speed(self, speed: float) -> None:
        """Choose the nearest of ``SPEEDS``."""
        nearest = min(range(len(SPEEDS)), key=lambda i: abs(SPEEDS[i] - speed))
        self._speed.setCurrentIndex(nearest)

    def set_loop(self, loop: bool) -> None:
        """Repeat between the marks, or stop at the out mark."""
        self._loop.setChecked(loop)
        self._on_loop()

    def set_review(self, review: bool) -> None:
        """Let the keys and buttons act, or not."""
        self._review = review
        if not review:
            self.pause()
        for widget in (self._start, self._back, self._play, self._next, self._loop, self._speed):
            widget.setEnabled(review)
        self.track.setEnabled(review)

    def set_live(self, live: bool) -> None:
        """Follow the end of a session that still grows, or stop following."""
        if live == self._live:
            return
        self._live = live
        if live:
            self.pause()
            self.track.position = self.duration
        self._show_time()
        self.live_changed.emit(live)

    # Playing --------------------------------------------------------------------------------

    def play(self) -> None:
        """Play from here; from the in mark if the out mark is reached."""
        start, stop = self.range
        if self._playing or stop <= start:
            return
        if not start <= self.position < stop - 1e-6:
            self.set_position(start)
        self._playing = True
        self._last = time.monotonic()
        self._timer.start()
        self._show_playing()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stop playing."""
        if self._playing:
            self._playing = False
            self._timer.stop()
            self._show_playing()
            self.playing_changed.emit(False)

    def toggle(self) -> None:
        """Play or pause."""
        if self._playing:
            self.pause()
        else:
            self.play()

    def step_forward(self) -> None:
        """Pause and go one row on."""
        self._step(self._step_s)

    def step_back(self) -> None:
        """Pause and go one row back."""
        self._step(-self._step_s)

    def to_start(self) -> None:
        """Go to the in mark."""
        self.set_position(self.range[0])

    def to_end(self) -> None:
        """Pause at the out mark."""
        self.pause()
        self.set_position(self.range[1])

    def _step(self, seconds: float) -> None:
        self.pause()
        self.set_position(self.position + seconds)

    def _advance(self) -> None:
        now = time.monotonic()
        start, stop = self.range
        position = self.position + (now - self._last) * self.speed
        self._last = now
        if position < stop:
            self.set_position(position)
        elif self.loop and stop > start:
            self.set_position(start + (position - start) % (stop - start))
        else:
            self.set_position(stop)
            self.pause()

    # Input ----------------------------------------------------------------------------------

    def _on_dragged(self, seconds: float) -> None:
        self.set_live(False)
        self.set_position(seconds)

    def _on_speed(self) -> None:
        self.speed_changed.emit(self.speed)

    def _on_loop(self) -> None:
        theme.set_icon(self._loop, "mdi6.repeat", "accent" if self.loop else "")

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Act on the keys of Review."""
        if event is not None and not self.handle_key(event):
            event.ignore()

    def handle_key(self, event: QKeyEvent) -> bool:
        """Act on one of the timeline's keys; return whether it was one. Does nothing when live."""
        if not self._review:
            return False
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        key = event.key()
        if key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.toggle()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            size = 1.0 if shift else self._step_s
            self._step(size if key == Qt.Key.Key_Right else -size)
        elif key == Qt.Key.Key_BracketLeft:
            self.set_range(self.position, max(self.position, self.range[1]))
        elif key == Qt.Key.Key_BracketRight:
            self.set_range(min(self.range[0], self.position), self.position)
        elif key == Qt.Key.Key_Home:
            self.to_start()
        elif key == Qt.Key.Key_End:
            self.to_end()
        else:
            return False
        return True

    # Looks ----------------------------------------------------------------------------------

    def _show_playing(self) -> None:
        theme.set_icon(self._play, "mdi6.pause" if self._playing else "mdi6.play")
        self._play.setToolTip("Pause (Space)" if self._playing else "Play (Space)")
        self._play.setAccessibleName("Pause" if self._playing else "Play")

    def _show_time(self) -> None:
        text = f"{format_time(self.position)} / {format_time(self.duration)}"
        self._clock.setText(f"live  {format_time(self.duration)}" if self._live else text)
        self.track.update()


def format_time(seconds: float) -> str:
    """Return minutes, seconds and hundredths, such as ``1:02.50``."""
    hundredths = round(max(0.0, seconds) * 100)
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes}:{rest / 100:05.2f}"
