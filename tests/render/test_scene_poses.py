from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny_hand import TinyHand

from dexgen_app.render.poses import ScenePoses, Upright, upright
from dexgen_app.render.scene import hand_scene
from dexgen_app.render.transforms import rotation_matrices
from dexgen_app.spec import GRAVITY_DIRECTIONS, ObjectSpec, WristProgram

directions = (
    arrays(float, 3, elements=st.floats(-1, 1))
    .filter(lambda v: np.linalg.norm(v) > 0.1)
    .map(lambda v: v / np.linalg.norm(v))
)


@pytest.fixture
def poses(hand: TinyHand) -> ScenePoses:
    return ScenePoses(hand, hand_scene(hand, ObjectSpec()))  # type: ignore[arg-type]


@given(st.lists(directions, min_size=1, max_size=5))
def test_gravity_always_points_down(gravities: list[np.ndarray]) -> None:
    frame = Upright()
    for gravity in gravities:
        turned = rotation_matrices(frame.update(gravity)) @ gravity
        np.testing.assert_allclose(turned, [0, 0, -1], atol=1e-6)


@pytest.mark.parametrize("start", sorted(GRAVITY_DIRECTIONS))
@pytest.mark.parametrize("axis", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
def test_a_sweep_turns_the_hand_smoothly(start: str, axis: tuple[float, float, float]) -> None:
    program = WristProgram(direction=start, sweep_period=10.0, sweep_axis=axis)
    frame = Upright()
    last = frame.update(program.gravity(0.0))
    for tick in range(1, 601):
        rotation = frame.update(program.gravity(tick / 60.0))
        step = 2.0 * math.acos(min(1.0, abs(float(rotation @ last))))
        assert step <= 2.0 * math.pi / 600.0 + 1e-6  # never faster than gravity itself
        last = rotation


@given(directions)
@settings(max_examples=30)
def test_a_jump_gives_the_heading_of_a_fresh_start(gravity: np.ndarray) -> None:
    frame = Upright()
    frame.update(-gravity)
    np.testing.assert_allclose(frame.update(gravity), upright(gravity), atol=1e-9)


def test_gravity_that_is_not_known_keeps_the_hand_as_it_is() -> None:
    frame = Upright()
    before = frame.update(np.array([0.0, -1.0, 0.0]))
    np.testing.assert_array_equal(frame.update(np.full(3, np.nan)), before)
    np.testing.assert_array_equal(frame.update(np.zeros(3)), before)


def test_parts_follow_body_poses(poses: ScenePoses, hand: TinyHand) -> None:
    poses.turn(np.array([0.0, 0.0, -1.0]))  # the hand frame is upright
    parts = poses.parts(np.array([0.4, 0.0]), np.array([0.1, 0.2, 0.3, 1, 0, 0, 0]))
    expected = hand.body_poses(np.array([0.4, 0.0]))
    np.testing.assert_allclose(parts[:3, :3], expected[:, :3] - poses.centre, atol=1e-12)
    np.testing.assert_allclose(parts[:3, 3:], expected[:, 3:], atol=1e-12)
    np.testing.assert_allclose(parts[3, :3], np.array([0.1, 0.2, 0.3]) - poses.centre)


def test_what_is_not_there_is_nan(poses: ScenePoses) -> None:
    assert np.isnan(poses.parts(np.zeros(2), None)[3]).all()
    assert np.isfinite(poses.parts(np.zeros(2), None)[:3]).all()
    assert np.isnan(poses.parts(np.array([0.0, np.nan]), None)[:3]).all()


def test_distances_do_not_change_with_gravity(poses: ScenePoses) -> None:
    object_pose = np.array([0.06, 0.0, 0.05, 1, 0, 0, 0])
    lengths = []
    for gravity in GRAVITY_DIRECTIONS.values():
        poses.turn(np.array(gravity))
        parts = poses.parts(np.array([0.5, 0.2]), object_pose)
        lengths.append(np.linalg.norm(parts[1:, :3] - parts[0, :3], axis=1))
    np.testing.assert_allclose(lengths, np.tile(lengths[0], (6, 1)), atol=1e-12)


def test_the_floor_is_below_the_hand(poses: ScenePoses, hand: TinyHand) -> None:
    for gravity in GRAVITY_DIRECTIONS.values():
        poses.turn(np.array(gravity))
        outline = poses.points_to_world(poses.scene.outline)
        assert poses.floor_height() < outline[:, 2].min()
        assert poses.floor_height() > -0.4
