"""Replay never jumps, follows the recorded clock, waits for the hand and tells its drift."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording_samples import JOINTS, make_rows

from dexgen_app.errors import RecordingError
from dexgen_app.recording.playback import APPROACH_LEAD, APPROACH_SPEED, MAX_JUMP, Playback
from dexgen_app.recording.reader import Recording
from dexgen_app.recording.schema import Event
from dexgen_app.spec import HandState

TICK_S = 1 / 60


class Hand:
    """A hand that follows its target at a limited speed, as the safety filter lets it."""

    def __init__(self, position: float = 0.0, speed: float = 6.0) -> None:
        self.target = np.full(JOINTS, position)
        self.speed = speed
        self.now_ns = 0
        self.moves: list[float] = []

    def state(self) -> HandState:
        zeros = np.zeros(JOINTS)
        pose = np.array([0.05, 0.0, 0.1, 1, 0, 0, 0])
        return HandState(
            stamp_ns=self.now_ns,
            position=self.target.copy(),
            velocity=zeros,
            effort=zeros,
            target=self.target.copy(),
            temperature=zeros,
            object_pose=pose,
        )

    def tick(self, playback: Playback, seconds: float = TICK_S, *, held: bool = True) -> np.ndarray:
        self.now_ns += round(seconds * 1e9)
        wanted = playback.step(self.now_ns, self.target.copy(), self.state(), held=held)
        self.moves.append(float(np.abs(wanted - self.target).max()))
        step = self.speed * seconds
        self.target = self.target + np.clip(wanted - self.target, -step, step)
        return wanted

    def run_until(self, playback: Playback, phase: str, most: int = 2000) -> int:
        for count in range(most):
            if playback.phase == phase:
                return count
            self.tick(playback)
        raise AssertionError(f"phase {playback.phase} never became {phase}")


@pytest.fixture
def recording(write_recording: Callable[..., Path]) -> Recording:
    events = [
        Event(1_500_000_000, "episode_begin", {"index": 3}),
        Event(2_000_000_000, "episode_end", {"index": 3, "mark": "keep"}),
    ]
    return Recording.open(write_recording(make_rows(121), events))


def test_the_first_frame_is_approached_slowly(recording: Recording) -> None:
    hand = Hand(position=-1.0)
    playback = Playback(recording)
    ticks = hand.run_until(playback, "play")
    way = float(np.abs(playback.target_at(0.0) - -1.0).max())
    assert ticks * TICK_S >= way / APPROACH_SPEED - TICK_S
    assert max(hand.moves) <= APPROACH_SPEED * TICK_S + 1e-9
    assert playback.position_s == 0.0
    np.testing.assert_allclose(hand.target, recording.rows["target"][0])


def test_it_plays_the_recorded_targets_on_the_recorded_clock(recording: Recording) -> None:
    hand = Hand()
    playback = Playback(recording)
    hand.run_until(playback, "play")
    begin = hand.now_ns
    for seconds in (0.01, 0.02, 0.005, 0.04) * 30:
        wanted = hand.tick(playback, seconds)
        if playback.phase != "play":
            break
        time_s = (hand.now_ns - begin) * 1e-9
        assert playback.position_s == pytest.approx(time_s, abs=1e-6)
        expected = [
            np.interp(time_s, recording.times_s, recording.rows["target"][:, joint])
            for joint in range(JOINTS)
        ]
        np.testing.assert_allclose(wanted, expected, atol=1e-6)
    assert playback.phase == "done" and playback.position_s == playback.length_s
    np.testing.assert_array_equal(hand.tick(playback), recording.rows["target"][-1])


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_scales_the_clock(recording: Recording, speed: float) -> None:
    hand = Hand()
    playback = Playback(recording, speed=speed)
    hand.run_until(playback, "play")
    ticks = hand.run_until(playback, "done")
    assert ticks * TICK_S == pytest.approx(playback.length_s / speed, abs=2 * TICK_S)


def test_an_episode_and_its_limits(recording: Recording) -> None:
    assert Playback(recording, episode=3).length_s == pytest.approx(0.5, abs=0.02)
    part = Playback(recording, episode=3, start_s=0.1, end_s=0.2)
    assert part.length_s == pytest.approx(0.1, abs=0.02)
    whole = Playback(recording, start_s=0.6)
    np.testing.assert_array_equal(whole.target_at(0.0), recording.rows["target"][36])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"episode": 0}, "no episode 0"),
        ({"start_s": 5.0}, "no part"),
        ({"start_s": 1.0, "end_s": 0.5}, "no part"),
        ({"start_s": math.nan}, "no part"),
        ({"speed": 0.0}, "speed 0"),
        ({"speed": math.inf}, "speed inf"),
        ({"start_s": 0.001, "end_s": 0.002}, "nothing between"),
    ],
)
def test_impossible_wishes_are_refused(
    recording: Recording, options: dict[str, float], words: str
) -> None:
    with pytest.raises(RecordingError, match=words):
        Playback(recording, **options)  # type: ignore[arg-type]


def test_a_recording_without_targets_is_refused(write_recording: Callable[..., Path]) -> None:
    rows = make_rows(10)
    rows["target"] = np.nan
    with pytest.raises(RecordingError, match="no joint targets"):
        Playback(Recording.open(write_recording(rows)))


def test_pause_holds_and_resume_goes_on_there(recording: Recording) -> None:
    hand = Hand()
    playback = Playback(recording)
    hand.run_until(playback, "play")
    for _ in range(30):
        hand.tick(playback)
    playback.pause()
    where, target = playback.position_s, hand.target.copy()
    for _ in range(60):
        hand.tick(playback)
    assert playback.phase == "paused" and not playback.status().playing
    np.testing.assert_allclose(hand.target, target, atol=0.05)
    hand.target = np.full(JOINTS, -0.8)  # somebody moved it meanwhile
    playback.resume()
    hand.moves.clear()
    hand.run_until(playback, "play")
    assert playback.position_s == where
    assert max(hand.moves) <= APPROACH_SPEED * TICK_S + 1e-9


def test_stop_holds_and_stays_stopped(recording: Recording) -> None:
    hand = Hand()
    playback = Playback(recording)
    hand.run_until(playback, "play")
    hand.tick(playback)
    playback.stop()
    playback.pause()
    before = hand.tick(playback)
    np.testing.assert_array_equal(hand.tick(playback), before)
    assert playback.status().phase == "done"


def test_a_held_hand_makes_the_clock_wait_and_the_approach_too(recording: Recording) -> None:
    hand = Hand(position=-1.0, speed=0.0)
    playback = Playback(recording)
    for _ in range(600):
        hand.tick(playback)
    assert playback.phase == "approach"
    assert max(hand.moves) <= APPROACH_LEAD + 1e-9
    hand.speed = 6.0
    hand.run_until(playback, "play")
    hand.speed = 0.0
    for _ in range(600):
        hand.tick(playback)
    assert playback.phase == "play" and playback.position_s < playback.length_s
    assert playback.waited_s > 5
    hand.speed = 6.0
    hand.run_until(playback, "done")


def test_seek_and_loop_approach_again(recording: Recording) -> None:
    hand = Hand()
    playback = Playback(recording, loop=True)
    hand.run_until(playback, "play")
    playback.seek(1.5)
    assert playback.phase == "approach" and playback.position_s == 1.5
    hand.moves.clear()
    hand.run_until(playback, "play")
    hand.run_until(playback, "approach")
    assert playback.position_s == 0.0
    hand.run_until(playback, "play")
    playback.seek(99.0)
    assert playback.position_s == playback.length_s


def test_a_jump_in_the_recording_is_approached(write_recording: Callable[..., Path]) -> None:
    rows = make_rows(121)
    rows["target"][60:] = -0.9
    playback = Playback(Recording.open(write_recording(rows)))
    hand = Hand()
    hand.run_until(playback, "play")
    hand.moves.clear()
    hand.run_until(playback, "approach")
    hand.run_until(playback, "play")
    hand.run_until(playback, "done")
    assert max(hand.moves) <= MAX_JUMP


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.floats(-1.0, 1.5),
    st.floats(0.05, 4.0),
    st.lists(st.floats(0.0, 2.0), min_size=60, max_size=60),
    st.lists(st.floats(-1.0, 9.0), max_size=4),
)
def test_it_never_asks_for_a_jump(
    recording: Recording, start: float, speed: float, ticks: list[float], seeks: list[float]
) -> None:
    hand = Hand(position=start)
    playback = Playback(recording, speed=speed, loop=True)
    for number, seconds in enumerate(ticks):
        if number % 15 == 7 and seeks:
            playback.seek(seeks.pop())
        wanted = hand.tick(playback, seconds)
        assert np.isfinite(wanted).all()
    assert max(hand.moves) <= MAX_JUMP


def test_drift_is_what_the_hand_and_the_object_are_away(recording: Recording) -> None:
    hand = Hand()
    playback = Playback(recording)
    assert math.isnan(playback.status().drift_rad)
    hand.run_until(playback, "play")
    hand.run_until(playback, "done")
    # The recorded position lags its target by 0.02 rad of phase at an amplitude of 0.5; the
    # recorded object sank by 0.1 mm a row, that of the replay did not move.
    status = playback.status()
    assert 0.0 < status.mean_drift_rad <= status.max_drift_rad < 0.02
    assert status.object_drift_m == status.max_object_drift_m == pytest.approx(0.012, abs=3e-4)
    assert status.mean_object_drift_m == pytest.approx(0.006, abs=3e-4)


def test_a_dropped_object_has_no_drift(write_recording: Callable[..., Path]) -> None:
    rows = make_rows(120)
    rows["held"] = 1
    rows["held"][60:] = 0
    rows["object_pose"][60:, 2] -= np.arange(60)  # it falls, a metre a row
    playback = Playback(Recording.open(write_recording(rows)))
    hand = Hand()
    hand.run_until(playback, "done")
    status = playback.status()
    assert 0.0 < status.max_object_drift_m < 0.01
    assert math.isnan(status.object_drift_m) and math.isfinite(status.drift_rad)


def test_an_object_that_was_dropped_here_has_no_drift(recording: Recording) -> None:
    playback, hand = Playback(recording), Hand()
    while playback.phase != "done":
        hand.tick(playback, held=False)
    assert math.isnan(playback.status().mean_object_drift_m)
    assert math.isfinite(playback.status().mean_drift_rad)


def test_missing_measurements_are_no_drift(write_recording: Callable[..., Path]) -> None:
    rows = make_rows(20)
    rows["object_pose"] = np.nan
    playback = Playback(Recording.open(write_recording(rows)))
    hand = Hand()
    hand.run_until(playback, "play")
    hand.run_until(playback, "done")
    assert math.isnan(playback.status().object_drift_m)
    assert math.isnan(playback.status().mean_object_drift_m)
