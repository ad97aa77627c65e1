"""Calibration: scales of a known hand, bad frames, and profile files."""

from __future__ import annotations

import numpy as np
import pytest
from human import left_hand, placed, right_hand

from dexgen_app import paths
from dexgen_app.errors import InputError
from dexgen_app.kinematics.calibration import (
    Calibration,
    calibrate,
    default_calibration,
    load_profile,
    profile_path,
    save_profile,
    straightness,
)
from dexgen_hand_allegro.spec import LEFT, RIGHT


def open_frames(count: int = 10, scale: float = 1.0) -> np.ndarray:
    noise = np.random.default_rng(3).normal(scale=2e-4, size=(count, 21, 3))
    return np.array([placed(right_hand() * scale, i) for i in range(count)]) + noise


def test_scale_is_the_ratio_of_finger_lengths():
    calibration = calibrate(open_frames(), RIGHT)
    # Allegro finger: 54 + 38.4 mm and from the last joint to the pad of the tip.
    robot = 0.054 + 0.0384 + np.hypot(0.012 * 0.5**0.5, 0.0267 + 0.012 * 0.5**0.5)
    human = [0.040 + 0.023 + 0.020, 0.045 + 0.026 + 0.021, 0.041 + 0.026 + 0.021]
    np.testing.assert_allclose(calibration.tip_scale[:3], robot / np.array(human), rtol=0.01)
    np.testing.assert_allclose(
        calibration.middle_scale[:3], 0.054 / np.array([0.040, 0.045, 0.041]), rtol=0.01
    )


def test_half_the_hand_needs_twice_the_scale():
    whole, half = calibrate(open_frames(), RIGHT), calibrate(open_frames(scale=0.5), RIGHT)
    np.testing.assert_allclose(half.tip_scale, 2.0 * np.array(whole.tip_scale), rtol=0.01)


def test_left_hand_is_calibrated_like_the_right():
    left = calibrate([placed(left_hand(), i) for i in range(6)], LEFT)
    right = calibrate([placed(right_hand(), i) for i in range(6)], RIGHT)
    np.testing.assert_allclose(left.tip_scale, right.tip_scale, rtol=1e-6)


def test_bent_frames_are_left_out_and_a_wild_one_does_no_harm():
    wild = right_hand()
    wild[8] *= 1.3
    frames = [*open_frames(), *(right_hand(0.9) for _ in range(20)), wild]
    expected = calibrate(open_frames(), RIGHT).tip_scale
    np.testing.assert_allclose(calibrate(frames, RIGHT).tip_scale, expected, rtol=0.01)


def test_a_closed_hand_is_refused_with_what_to_do():
    with pytest.raises(InputError, match="finger was bent in 8 of them") as caught:
        calibrate([right_hand(1.0)] * 8, RIGHT)
    assert "open and flat" in caught.value.remedy


@pytest.mark.parametrize("frames", [[], [right_hand()] * 3])
def test_too_few_frames_are_refused(frames):
    with pytest.raises(InputError, match="5 are needed"):
        calibrate(frames, RIGHT)


def test_single_malformed_frames_are_left_out():
    frames = [right_hand() * np.nan, *open_frames(), np.zeros((3, 3))]
    expected = calibrate(open_frames(), RIGHT).tip_scale
    np.testing.assert_allclose(calibrate(frames, RIGHT).tip_scale, expected)


def test_frames_of_nothing_but_nan_are_refused():
    with pytest.raises(InputError, match="not finite"):
        calibrate([right_hand() * np.nan] * 6, RIGHT)


def test_straightness_falls_as_a_finger_bends():
    index = RIGHT.fingers[0]
    values = [straightness(right_hand(bend), index) for bend in (0.0, 0.3, 0.6, 1.2)]
    assert values[0] == pytest.approx(1.0)
    assert values == sorted(values, reverse=True)


def test_the_recorded_hand_calibrates_near_a_typical_adult(human_clip):
    measured = np.array(calibrate(human_clip, RIGHT).tip_scale)
    typical = np.array(default_calibration(RIGHT).tip_scale)
    assert (np.abs(measured / typical - 1.0) < 0.2).all()


def test_profile_comes_back_as_it_was_saved():
    calibration = calibrate(open_frames(), RIGHT)
    path = save_profile("ada", calibration)
    assert path.parent == paths.profiles_dir()
    loaded = load_profile("ada", RIGHT)
    np.testing.assert_allclose(loaded.tip_scale, calibration.tip_scale, atol=1e-6)
    np.testing.assert_allclose(loaded.middle_scale, calibration.middle_scale, atol=1e-6)


def test_one_profile_keeps_both_hands():
    save_profile("ada", default_calibration(RIGHT))
    save_profile("ada", default_calibration(LEFT))
    assert load_profile("ada", RIGHT).hand_id == "allegro_right"
    assert load_profile("ada", LEFT).hand_id == "allegro_left"


def test_unknown_profile_and_unknown_hand_say_what_exists():
    save_profile("ada", default_calibration(RIGHT))
    with pytest.raises(InputError, match="profiles: ada"):
        load_profile("bob", RIGHT)
    with pytest.raises(InputError, match="no calibration for allegro_left"):
        load_profile("ada", LEFT)


@pytest.mark.parametrize("name", ["", "../ada", "a/b", ".hidden", "x" * 80, "a\0b"])
def test_a_name_that_is_no_file_name_is_refused(name):
    with pytest.raises(InputError, match="cannot name a profile"):
        profile_path(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = ", "not valid TOML"),
        ("schema = 99", "schema 99"),
        ("", "schema None"),
        ("schema = 1\n[hands.allegro_right]\ntip_scale = [1.0]", "damaged"),
        (
            "schema = 1\n[hands.allegro_right]\n"
            "tip_scale = [1.0, 'x', 1.0, 1.0]\nmiddle_scale = [1, 1, 1, 1]",
            "damaged",
        ),
        (
            "schema = 1\n[hands.allegro_right]\n"
            "tip_scale = [1.0, 900.0, 1.0, 1.0]\nmiddle_scale = [1, 1, 1, 1]",
            "not within 0.3 to 4",
        ),
        (
            "schema = 1\n[hands.allegro_right]\n"
            "tip_scale = [1.0, nan, 1.0, 1.0]\nmiddle_scale = [1, 1, 1, 1]",
            "not within 0.3 to 4",
        ),
        (
            "schema = 1\n[hands.allegro_right]\ntip_scale = [1.0, 1.0]\nmiddle_scale = [1, 1]",
            "2 fingers, not 4",
        ),
    ],
)
def test_a_damaged_profile_is_named(text, message):
    profile_path("ada").write_text(text)
    with pytest.raises(InputError, match=message):
        load_profile("ada", RIGHT)


def test_a_calibration_without_fingers_is_refused():
    with pytest.raises(InputError):
        Calibration(hand_id="x", tip_scale=(), middle_scale=())
