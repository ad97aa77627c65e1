"""Retargeting: limits on a recorded hand, pinches that close, tips that arrive, bad input."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools

import numpy as np
import pytest
from human import left_hand, pinch_clip, placed, right_hand
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dexgen_app.errors import InputError
from dexgen_app.kinematics.calibration import default_calibration
from dexgen_app.kinematics.landmarks import FINGER_LANDMARKS, OPENXR_TO_LANDMARKS
from dexgen_app.kinematics.model import HandModel
from dexgen_app.kinematics.retarget import Retargeter
from dexgen_app.spec import HandSpec, InputKind, TeleopSample
from dexgen_hand_allegro.spec import LEFT, RIGHT

DT = 1.0 / 60.0
ROBOT_FINGER = {"index": 0, "middle": 1, "ring": 2, "little": 2}


def sample(values: np.ndarray, kind: InputKind = InputKind.LANDMARKS_21, **kw) -> TeleopSample:
    return TeleopSample(born_ns=7, sequence=1, kind=kind, values=np.asarray(values), **kw)


def follow(retargeter: Retargeter, clip: np.ndarray) -> np.ndarray:
    return np.array([retargeter.retarget(sample(frame)).position for frame in clip])


def settle(retargeter: Retargeter, values: np.ndarray, kind: InputKind, calls: int = 120):
    for _ in range(calls):
        command = retargeter.retarget(sample(values, kind))
    return command.position


def assert_within_limits(q: np.ndarray, spec: HandSpec, start: np.ndarray) -> None:
    assert (q >= spec.limits[0]).all() and (q <= spec.limits[1]).all()
    steps = np.abs(np.diff(np.vstack([start, q]), axis=0))
    assert (steps <= np.array(spec.max_speed) * DT + 1e-9).all()


@pytest.mark.parametrize("spec", [RIGHT, LEFT])
def test_limits_hold_on_the_recorded_hand(human_clip, spec):
    clip = human_clip if spec is RIGHT else human_clip * np.array([1.0, -1.0, 1.0])
    q = follow(Retargeter(spec), clip)
    assert_within_limits(q, spec, np.array(spec.home))
    assert np.ptp(q, axis=0)[[1, 5, 9]].min() > 0.5


def test_fingertips_follow_the_recorded_hand(human_clip):
    retargeter = Retargeter(RIGHT)
    errors = []
    for frame in human_clip:
        q = retargeter.retarget(sample(frame)).position
        errors.append(np.linalg.norm(retargeter.hand.tips(q) - retargeter.tip_targets, axis=1))
    median = np.median(errors, axis=0)
    assert (median[:3] < 0.002).all(), median
    assert median[3] < 0.012, median


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_limits_hold_for_wild_motion(seed):
    random = np.random.default_rng(seed)
    clip = [placed(right_hand(random.uniform(-0.3, 1.6)), seed % 97 + i) for i in range(25)]
    clip = np.array(clip) + random.normal(scale=0.01, size=(25, 21, 3))
    retargeter = Retargeter(RIGHT, dt=DT)
    q = []
    for frame in clip:
        # So much noise can press the palm into a line, which is refused.
        with contextlib.suppress(InputError):
            q.append(retargeter.retarget(sample(frame)).position)
    assert_within_limits(np.array(q), RIGHT, np.array(RIGHT.home))


@pytest.mark.parametrize("finger", ["index", "middle", "ring", "little"])
@pytest.mark.parametrize("spec", [RIGHT, LEFT])
def test_tips_meet_while_the_human_pinches(finger, spec):
    base = right_hand(0.3) if spec is RIGHT else left_hand(0.3)
    assert_pinch_closes(spec, pinch_clip(base, finger), finger)


@pytest.mark.parametrize("finger", ["index", "middle", "ring", "little"])
@pytest.mark.parametrize("frame", [20, 100, 200])
def test_tips_meet_when_the_recorded_hand_is_made_to_pinch(human_clip, finger, frame):
    assert_pinch_closes(RIGHT, pinch_clip(human_clip[frame].astype(float), finger), finger)


def assert_pinch_closes(spec: HandSpec, clip: np.ndarray, finger: str) -> None:
    hand = HandModel(spec)
    q = follow(Retargeter(spec), clip)
    tips = np.array([hand.tips(pose) for pose in q])
    robot = np.linalg.norm(tips[:, ROBOT_FINGER[finger]] - tips[:, 3], axis=1)
    human = np.linalg.norm(clip[:, 4] - clip[:, FINGER_LANDMARKS[finger][3]], axis=1)
    pinching = human < 0.005
    assert pinching.sum() > 30
    assert robot[pinching].max() < 0.003
    assert robot[0] > 0.03 and robot[-1] > 0.03
    assert_within_limits(q, spec, np.array(spec.home))


@pytest.mark.parametrize("frame", range(0, 300, 30))
def test_targets_come_to_rest_while_the_recorded_hand_is_held_still(human_clip, frame):
    retargeter = Retargeter(RIGHT)
    pinch = pinch_clip(human_clip[frame].astype(float), "index")[60]
    for held in (human_clip[frame], pinch):
        settle(retargeter, held, InputKind.LANDMARKS_21, calls=90)
        q = follow(retargeter, [held] * 10)
        assert np.abs(np.diff(q, axis=0)).max() < 0.005


def test_other_fingers_make_way_for_a_pinch():
    import mujoco

    q = follow(Retargeter(RIGHT), pinch_clip(right_hand(0.3), "middle"))[60]
    hand = HandModel(RIGHT)
    hand.mj_data.qpos[:] = q
    mujoco.mj_forward(hand.mj_model, hand.mj_data)
    depths = {
        tuple(sorted(hand.mj_model.body(hand.mj_model.geom_bodyid[g]).name for g in c.geom)): c.dist
        for c in hand.mj_data.contact
    }
    apart = {pair: d for pair, d in depths.items() if not any(n.startswith("th") for n in pair)}
    assert all(distance > -0.003 for distance in apart.values()), apart


def test_an_open_hand_opens_and_a_fist_closes():
    retargeter = Retargeter(RIGHT)
    opened = settle(retargeter, right_hand(0.0), InputKind.LANDMARKS_21)
    closed = settle(retargeter, right_hand(1.3), InputKind.LANDMARKS_21)
    bends = [1, 2, 3, 5, 6, 7, 9, 10, 11]
    assert opened[bends].mean() < 0.35
    assert closed[bends].mean() > 1.0


def test_placement_of_the_hand_in_the_room_does_not_matter():
    here = settle(Retargeter(RIGHT), right_hand(0.5), InputKind.LANDMARKS_21)
    there = settle(Retargeter(RIGHT), placed(right_hand(0.5), 5), InputKind.LANDMARKS_21)
    np.testing.assert_allclose(here, there, atol=1e-4)


def test_left_hand_does_what_the_right_hand_mirrors():
    right = settle(Retargeter(RIGHT), right_hand(0.5), InputKind.LANDMARKS_21)
    left = settle(Retargeter(LEFT), left_hand(0.5), InputKind.LANDMARKS_21)
    np.testing.assert_allclose(
        HandModel(LEFT).tips(left), HandModel(RIGHT).tips(right) * [1, -1, 1], atol=5e-4
    )


def test_a_right_human_hand_can_drive_the_left_robot_hand():
    crossed = Retargeter(LEFT, human_side="right")
    straight = Retargeter(LEFT)
    np.testing.assert_allclose(
        settle(crossed, right_hand(0.5), InputKind.LANDMARKS_21),
        settle(straight, left_hand(0.5), InputKind.LANDMARKS_21),
        atol=1e-6,
    )


def test_openxr_joints_do_the_same_as_their_landmarks():
    joints = np.zeros((26, 7))
    joints[:, 3] = 1.0
    joints[list(OPENXR_TO_LANDMARKS), :3] = placed(right_hand(0.6))
    np.testing.assert_allclose(
        settle(Retargeter(RIGHT), joints, InputKind.OPENXR_26),
        settle(Retargeter(RIGHT), placed(right_hand(0.6)), InputKind.LANDMARKS_21),
        atol=1e-9,
    )


def test_fingertips_go_where_they_are_sent():
    retargeter = Retargeter(RIGHT)
    target = retargeter.hand.tips(np.array(RIGHT.grasp))
    q = settle(retargeter, target, InputKind.FINGERTIPS)
    np.testing.assert_allclose(retargeter.hand.tips(q), target, atol=5e-4)


def test_a_coupled_joint_is_solved_for_but_not_commanded(coupled):
    retargeter = Retargeter(coupled)
    target = retargeter.hand.tips(np.array([0.8]))
    q = settle(retargeter, target, InputKind.FINGERTIPS)
    assert q.shape == (1,)
    np.testing.assert_allclose(q, 0.8, atol=0.01)


def test_joints_pass_through_and_are_clamped():
    retargeter = Retargeter(RIGHT)
    grasp = np.array(RIGHT.grasp)
    command = retargeter.retarget(sample(grasp, InputKind.JOINTS))
    np.testing.assert_allclose(command.position, grasp)
    assert command.born_ns == 7
    beyond = retargeter.retarget(sample(np.full(16, 9.0), InputKind.JOINTS)).position
    np.testing.assert_array_equal(beyond, RIGHT.upper)


def test_a_lost_hand_repeats_the_last_targets():
    retargeter = Retargeter(RIGHT)
    last = settle(retargeter, right_hand(0.8), InputKind.LANDMARKS_21, calls=20)
    lost = retargeter.retarget(sample(np.full((21, 3), np.nan), tracked=False))
    np.testing.assert_array_equal(lost.position, last)
    nothing = retargeter.retarget(sample(np.zeros(0), InputKind.NONE))
    np.testing.assert_array_equal(nothing.position, last)


def test_reset_continues_from_the_given_pose():
    retargeter = Retargeter(RIGHT, dt=DT)
    retargeter.reset(np.array(RIGHT.grasp))
    q = follow(retargeter, [right_hand()])
    assert_within_limits(q, RIGHT, np.array(RIGHT.grasp))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.full((21, 3), np.nan), InputKind.LANDMARKS_21),
        (right_hand()[:20], InputKind.LANDMARKS_21),
        (right_hand() * 1000.0, InputKind.LANDMARKS_21),
        (np.zeros((21, 3)), InputKind.LANDMARKS_21),
        (np.zeros((25, 7)), InputKind.OPENXR_26),
        (np.full(16, np.nan), InputKind.JOINTS),
        (np.zeros(15), InputKind.JOINTS),
        (np.zeros((3, 3)), InputKind.FINGERTIPS),
        (np.full((4, 3), np.inf), InputKind.FINGERTIPS),
        (np.full((4, 3), 50.0), InputKind.FINGERTIPS),
    ],
)
def test_bad_input_is_refused_and_leaves_the_targets_alone(values, kind):
    retargeter = Retargeter(RIGHT)
    before = retargeter.retarget(sample(np.zeros(0), InputKind.NONE)).position
    with pytest.raises(InputError):
        retargeter.retarget(sample(values, kind))
    after = retargeter.retarget(sample(np.zeros(0), InputKind.NONE)).position
    np.testing.assert_array_equal(before, after)


def test_a_calibration_of_another_hand_is_refused():
    calibration = default_calibration(RIGHT)
    short = dataclasses.replace(
        calibration, tip_scale=calibration.tip_scale[:3], middle_scale=calibration.middle_scale[:3]
    )
    with pytest.raises(InputError, match="3 fingers, not 4"):
        Retargeter(RIGHT, short)


def test_every_pair_of_fingers_is_kept_apart():
    from dexgen_app.kinematics.self_collision import finger_separation

    limit = finger_separation(HandModel(RIGHT), overlap=0.008)
    model = HandModel(RIGHT).mj_model
    seen = {
        tuple(sorted(model.body(int(model.geom_bodyid[g])).name[:2] for g in pair))
        for pair in limit.pairs
    }
    fingers = {tuple(sorted(pair)) for pair in itertools.combinations(("ff", "mf", "rf", "th"), 2)}
    palm = {tuple(sorted((finger, "pa"))) for finger in ("ff", "mf", "rf", "th")}
    assert seen == fingers | palm
