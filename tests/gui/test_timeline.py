from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from dexgen_app.gui import timeline as timeline_module
from dexgen_app.gui.timeline import SPEEDS, Timeline, TimelineEvent, format_time

Key = Qt.Key


@pytest.fixture
def timeline(qtbot: QtBot) -> Timeline:
    widget = Timeline()
    qtbot.addWidget(widget)
    widget.resize(800, 40)
    widget.set_review(True)
    widget.set_duration(10.0, step_s=0.02)
    widget.show()
    return widget


class Clock:
    """Stands in for the time module."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timeline_module, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0:00.00"), (59.999, "1:00.00"), (62.5, "1:02.50"), (-1.0, "0:00.00")],
)
def test_format_time(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


@pytest.mark.parametrize("speed", SPEEDS)
def test_it_plays_on_the_clock_at_every_speed(
    timeline: Timeline, clock: Clock, speed: float
) -> None:
    timeline.set_speed(speed)
    timeline.play()
    clock.now += 0.5
    timeline._advance()
    assert timeline.position == pytest.approx(0.5 * speed)
    assert timeline.playing


def test_it_stops_at_the_out_mark(timeline: Timeline, clock: Clock, qtbot: QtBot) -> None:
    timeline.set_range(2.0, 3.0)
    timeline.play()
    assert timeline.position == 2.0
    clock.now += 5.0
    with qtbot.waitSignal(timeline.playing_changed) as stopped:
        timeline._advance()
    assert stopped.args == [False]
    assert timeline.position == 3.0


def test_a_loop_goes_on_from_the_in_mark(timeline: Timeline, clock: Clock) -> None:
    timeline.set_range(2.0, 3.0)
    timeline.set_loop(True)
    timeline.play()
    clock.now += 1.25
    timeline._advance()
    assert timeline.position == pytest.approx(2.25)
    assert timeline.playing


def test_keys_in_review(timeline: Timeline, qtbot: QtBot) -> None:
    qtbot.keyClick(timeline, Key.Key_Space)
    assert timeline.playing
    qtbot.keyClick(timeline, Key.Key_Space)
    assert not timeline.playing
    timeline.set_position(5.0)
    qtbot.keyClick(timeline, Key.Key_Right)
    assert timeline.position == pytest.approx(5.02)
    qtbot.keyClick(timeline, Key.Key_Left)
    qtbot.keyClick(timeline, Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert timeline.position == pytest.approx(4.0)
    qtbot.keyClick(timeline, Key.Key_BracketLeft)
    timeline.set_position(6.0)
    qtbot.keyClick(timeline, Key.Key_BracketRight)
    assert timeline.range == pytest.approx((4.0, 6.0))
    qtbot.keyClick(timeline, Key.Key_Home)
    assert timeline.position == pytest.approx(4.0)
    qtbot.keyClick(timeline, Key.Key_End)
    assert timeline.position == pytest.approx(6.0)


def test_space_is_left_alone_outside_review(timeline: Timeline, qtbot: QtBot) -> None:
    timeline.set_review(False)
    qtbot.keyClick(timeline, Key.Key_Space)
    qtbot.keyClick(timeline, Key.Key_End)
    assert not timeline.playing
    assert timeline.position == 0.0


def test_leaving_review_stops_playing(timeline: Timeline) -> None:
    timeline.play()
    timeline.set_review(False)
    assert not timeline.playing


def test_dragging_moves_the_position(timeline: Timeline, qtbot: QtBot) -> None:
    track = timeline.track
    at = QPoint(round(track.x_of(7.5)), 17)
    with qtbot.waitSignal(timeline.position_changed):
        qtbot.mouseClick(track, Qt.MouseButton.LeftButton, pos=at)
    assert timeline.position == pytest.approx(7.5, abs=0.05)


def test_marks_are_dragged_and_do_not_cross(timeline: Timeline, qtbot: QtBot) -> None:
    track = timeline.track
    timeline.set_range(2.0, 8.0)
    timeline.set_position(5.0)
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(track, left, pos=QPoint(round(track.x_of(2.0)), 17))
    qtbot.mouseMove(track, QPoint(round(track.x_of(3.0)), 17))
    qtbot.mouseMove(track, QPoint(round(track.x_of(9.5)), 17))
    qtbot.mouseRelease(track, left)
    assert timeline.range == pytest.approx((8.0, 8.0))
    assert timeline.position == 5.0


def test_live_follows_the_end_until_dragged(timeline: Timeline, qtbot: QtBot) -> None:
    timeline.set_live(True)
    timeline.extend(12.0)
    assert timeline.position == timeline.duration == 12.0
    with qtbot.waitSignal(timeline.live_changed) as changed:
        timeline.track.dragged.emit(3.0)
    assert changed.args == [False]
    timeline.extend(13.0)
    assert timeline.position == 3.0


def test_events_are_found_under_the_pointer(timeline: Timeline) -> None:
    note = TimelineEvent(2.0, "note", "slips")
    episode = TimelineEvent(4.0, "episode", "Episode 0", 8.0)
    timeline.set_events([note, episode])
    track = timeline.track
    assert track.event_at(track.x_of(2.0) + 2) is note
    assert track.event_at(track.x_of(6.0)) is episode
    assert track.event_at(track.x_of(9.5)) is None


def test_an_empty_timeline_does_nothing(qtbot: QtBot) -> None:
    timeline = Timeline()
    qtbot.addWidget(timeline)
    timeline.set_review(True)
    timeline.play()
    assert not timeline.playing
    timeline.step_forward()
    assert timeline.position == 0.0
    timeline.grab()


def test_every_control_has_a_name(timeline: Timeline) -> None:
    for child in (timeline._play, timeline._loop, timeline._start, timeline.track):
        assert child.accessibleName()
    for box in timeline.findChildren(QComboBox):
        assert box.accessibleName()
