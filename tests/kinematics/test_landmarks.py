"""Human landmarks: index lists, the canonical frame, and input that is no hand."""

from __future__ import annotations

import numpy as np
import pytest
from human import left_hand, placed, right_hand

from dexgen_app.errors import InputError
from dexgen_app.kinematics import landmarks

# Joint names of XR_EXT_hand_tracking in order, and of the 21 landmarks.
_FINGERS = ("index", "middle", "ring", "little")
OPENXR = [
    "palm",
    "wrist",
    *(f"thumb {part}" for part in ("metacarpal", "proximal", "distal", "tip")),
    *(
        f"{finger} {part}"
        for finger in _FINGERS
        for part in ("metacarpal", "proximal", "intermediate", "distal", "tip")
    ),
]
MEDIAPIPE = [
    "wrist",
    *(f"thumb {part}" for part in ("metacarpal", "proximal", "distal", "tip")),
    *(
        f"{finger} {part}"
        for finger in _FINGERS
        for part in ("proximal", "intermediate", "distal", "tip")
    ),
]


def test_openxr_index_list_picks_the_joints_of_the_same_name():
    assert [OPENXR[i] for i in landmarks.OPENXR_TO_LANDMARKS] == MEDIAPIPE


def test_openxr_joints_become_landmarks():
    joints = np.random.default_rng(0).normal(size=(26, 7))
    picked = landmarks.landmarks_from_openxr(joints)
    np.testing.assert_array_equal(picked[0], joints[1, :3])
    np.testing.assert_array_equal(picked[20], joints[25, :3])
    with pytest.raises(InputError, match=r"\(26, 7\)"):
        landmarks.landmarks_from_openxr(np.zeros((25, 7)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("hand", "side"), [(right_hand, "right"), (left_hand, "left")])
def test_hand_frame_undoes_any_placement(hand, side, seed):
    original = hand(0.4)
    np.testing.assert_allclose(
        landmarks.to_hand_frame(placed(original, seed), side), original, atol=1e-9
    )


def test_axes_point_to_the_middle_finger_out_of_the_palm_and_to_the_thumb():
    right = landmarks.to_hand_frame(placed(right_hand(0.5)), "right")
    left = landmarks.to_hand_frame(placed(left_hand(0.5)), "left")
    np.testing.assert_allclose(right[9, :2], 0.0, atol=1e-12)
    assert right[12, 0] > 0.02 and left[12, 0] > 0.02
    assert right[4, 1] > 0.02 and left[4, 1] < -0.02


def test_wrong_side_shows_as_fingers_bending_backwards():
    assert landmarks.to_hand_frame(right_hand(0.5), "left")[12, 0] < -0.02


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda h: h[:20], "shape"),
        (lambda h: h.T, "shape"),
        (lambda h: np.where(np.arange(21)[:, None] == 7, np.nan, h), r"\[7\] are not finite"),
        (lambda h: np.where(np.arange(21)[:, None] == 3, np.inf, h), "not finite"),
        (lambda h: h * 1000.0, "no hand"),
        (lambda h: h * 0.0, "no hand"),
        (lambda h: h + (np.arange(21) == 8)[:, None] * 5.0, "no hand"),
        (lambda h: h * np.array([1.0, 0.0, 1.0]), "one line"),
    ],
    ids=["too few", "transposed", "nan", "inf", "millimetres", "zeros", "far tip", "flat palm"],
)
def test_what_is_no_hand_is_refused(spoil, message):
    with pytest.raises(InputError, match=message):
        landmarks.to_hand_frame(spoil(right_hand(0.2)), "right")


def test_every_frame_of_the_recorded_hand_has_its_fingers_on_the_palm_side(human_clip):
    tips = np.array([landmarks.to_hand_frame(f, "right")[[8, 12, 16]] for f in human_clip])
    assert (tips[..., 0].mean(axis=1) > 0.0).mean() > 0.99
