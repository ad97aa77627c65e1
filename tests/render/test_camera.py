from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dexgen_app.render.camera import PRESETS, Camera, preset

angles = st.floats(-10.0, 10.0)
cameras = st.builds(
    Camera,
    target=st.tuples(*[st.floats(-0.2, 0.2)] * 3),
    distance=st.floats(0.1, 2.0),
    azimuth=st.floats(-3.0, 3.0),
    elevation=st.floats(-1.4, 1.4),
)
points = arrays(float, (6, 3), elements=st.floats(-0.2, 0.2))


@given(cameras)
def test_target_is_in_the_middle(camera: Camera) -> None:
    pixel = camera.project(np.array([camera.target]), (640, 480))
    np.testing.assert_allclose(pixel, [[320.0, 240.0]], atol=1e-6)


@given(cameras, angles, angles)
def test_orbit_keeps_distance_and_stays_off_the_poles(
    camera: Camera, azimuth: float, elevation: float
) -> None:
    moved = camera.orbit(azimuth, elevation)
    distance = np.linalg.norm(moved.eye - np.array(moved.target))
    assert distance == pytest.approx(camera.distance)
    assert abs(moved.elevation) < math.pi / 2
    assert np.isfinite(moved.view()).all()


@given(cameras, st.floats(-0.4, 0.4), st.floats(-0.4, 0.4))
def test_pan_shifts_the_old_target_by_its_share(camera: Camera, right: float, up: float) -> None:
    pixel = camera.pan(right, up).project(np.array([camera.target]), (640, 480))
    np.testing.assert_allclose(pixel, [[320 - 480 * right, 240 + 480 * up]], atol=1e-6)


@given(cameras, st.floats(0.01, 100.0))
def test_zoom_is_bounded(camera: Camera, factor: float) -> None:
    assert 0.03 <= camera.zoom(factor).distance <= 5.0


@given(cameras, points, st.floats(0.4, 2.5))
def test_fitted_camera_shows_every_point(camera: Camera, points: np.ndarray, aspect: float) -> None:
    pixels = camera.fitted(points, aspect).project(points, (round(1000 * aspect), 1000))
    assert (pixels >= 0.0).all()
    assert (pixels <= [round(1000 * aspect), 1000]).all()


@given(cameras, cameras)
def test_blend_ends_at_both_cameras(first: Camera, second: Camera) -> None:
    np.testing.assert_allclose(first.blend(second, 0.0).eye, first.eye, atol=1e-9)
    np.testing.assert_allclose(first.blend(second, 1.0).eye, second.eye, atol=1e-9)


def test_blend_takes_the_short_way_round() -> None:
    middle = Camera(azimuth=3.0).blend(Camera(azimuth=-3.0), 0.5)
    assert abs(abs(middle.azimuth) - math.pi) < 1e-9


def test_points_behind_the_eye_have_no_pixel() -> None:
    camera = Camera(distance=0.5, azimuth=0.0, elevation=0.0)
    assert np.isnan(camera.project(np.array([[1.0, 0.0, 0.0]]), (100, 100))).all()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_differ_and_show_the_hand(name: str) -> None:
    corners = np.array([[x, y, z] for x in (0, 0.1) for y in (0, 0.1) for z in (0, 0.2)])
    view = preset(name, corners, np.eye(3), 1.3)
    pixels = view.project(corners, (1300, 1000))
    assert ((pixels > 0) & (pixels < [1300, 1000])).all()
    others = [preset(other, corners, np.eye(3), 1.3) for other in PRESETS if other != name]
    palm_is_front = {"palm", "front"}
    same = [o for o in others if np.linalg.norm(o.direction - view.direction) < 0.05]
    assert not same or name in palm_is_front


def test_palm_view_faces_the_palm() -> None:
    corners = np.array([[0.0, 0.0, 0.0], [0.1, 0.1, 0.1]])
    rotation = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])  # palm to -y
    np.testing.assert_allclose(
        preset("palm", corners, rotation).direction, [0.0, -1.0, 0.0], atol=1e-9
    )


def test_unknown_view_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown view"):
        preset("below", np.zeros((1, 3)), np.eye(3))
