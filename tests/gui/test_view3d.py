from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, QSize, Qt
from PyQt6.QtGui import QImage
from pytestqt.qtbot import QtBot
from view_samples import HAND, make_row

from dexgen_app.gui import view3d
from dexgen_app.gui.view3d import HandView
from dexgen_app.render.camera import PRESETS
from dexgen_app.render.context import GraphicsError
from dexgen_app.render.renderer import SceneRenderer
from dexgen_app.spec import ObjectSpec

Key = Qt.Key


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[HandView]:
    widget = HandView()
    qtbot.addWidget(widget)
    widget.resize(320, 240)
    widget.set_hand(HAND, ObjectSpec())
    widget.show()
    qtbot.waitUntil(lambda: widget._image is not None)
    yield widget
    widget.hide()


def settled(qtbot: QtBot, view: HandView) -> None:
    qtbot.waitUntil(lambda: not view._rig.gliding and not view._dirty, timeout=10_000)


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    data = image.constBits().asarray(image.sizeInBytes())
    rows = np.frombuffer(bytes(data), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def test_a_hand_is_drawn_before_any_row(view: HandView) -> None:
    picture = pixels(view.grab_image())
    assert picture.shape == (240, 320, 3)
    assert picture.std() > 20


def test_a_row_changes_the_picture(view: HandView, qtbot: QtBot) -> None:
    before = pixels(view.grab_image())
    view.set_row(make_row(position=HAND.home))
    assert np.abs(pixels(view.grab_image()) - before).mean() > 1.0


def test_joints_that_were_not_measured_stay(view: HandView) -> None:
    before = pixels(view.grab_image())
    view.set_row(make_row(position=np.nan, command=np.nan, target=np.nan))
    np.testing.assert_array_equal(pixels(view.grab_image()), before)


def test_rows_before_a_hand_are_ignored(qtbot: QtBot) -> None:
    view = HandView()
    qtbot.addWidget(view)
    view.set_row(make_row())
    view.show()
    assert view.grab_image().isNull()


def test_pictures_are_limited_and_stop_when_nothing_changes(
    view: HandView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.waitUntil(lambda: view._refined and not view._asked_at)
    drawn = []
    original = SceneRenderer.submit

    def count(self: SceneRenderer, *args: object) -> None:
        drawn.append(args)
        original(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(SceneRenderer, "submit", count)
    qtbot.wait(200)
    assert not drawn
    for step in range(100):
        view.set_row(make_row(position=np.array(HAND.grasp) + 0.01 * step))
        qtbot.wait(2)
    qtbot.waitUntil(lambda: bool(drawn) and not view._dirty)
    assert len(drawn) <= 40
    qtbot.waitUntil(lambda: view._refined and not view._asked_at)
    drawn.clear()
    for _ in range(10):
        view.set_row(make_row(position=np.array(HAND.grasp) + 0.01 * 99))
        qtbot.wait(10)
    assert not drawn  # nothing moved
    view.hide()
    view.set_row(make_row())
    qtbot.wait(100)
    assert not drawn


def test_dragging_turns_shifts_and_zooms(view: HandView, qtbot: QtBot) -> None:
    start = view.camera
    with qtbot.waitSignal(view.preset_changed) as changed:
        _drag(qtbot, view, Qt.MouseButton.LeftButton)
    assert changed.args == [""]
    turned = view.camera
    assert turned.azimuth != start.azimuth
    assert turned.elevation != start.elevation
    assert turned.target == start.target
    _drag(qtbot, view, Qt.MouseButton.RightButton)
    assert view.camera.target != turned.target
    assert view.camera.azimuth == turned.azimuth
    shifted = view.camera
    _drag(qtbot, view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier)
    assert view.camera.target != shifted.target


def _drag(
    qtbot: QtBot,
    view: HandView,
    button: Qt.MouseButton,
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    qtbot.mousePress(view, button, modifier, QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(140, 120))
    qtbot.mouseRelease(view, button, modifier, QPoint(140, 120))


def test_keys_choose_views(view: HandView, qtbot: QtBot) -> None:
    for number, name in enumerate(PRESETS):
        qtbot.keyClick(view, Qt.Key(Key.Key_1 + number))
        assert view.preset == name
        settled(qtbot, view)
        expected = view.stage.camera(name, 320 / 240)  # type: ignore[union-attr]
        np.testing.assert_allclose(view.camera.eye, expected.eye, atol=1e-9)
    qtbot.keyClick(view, Key.Key_F)
    assert view.following
    qtbot.keyClick(view, Key.Key_R)
    assert view.preset == PRESETS[0]
    assert not view.following


def test_keys_can_be_left_to_a_device(view: HandView, qtbot: QtBot) -> None:
    view.set_shortcuts_enabled(False)
    qtbot.keyClick(view, Key.Key_3)
    assert view.preset == PRESETS[0]


def test_the_camera_follows_the_palm(view: HandView, qtbot: QtBot) -> None:
    settled(qtbot, view)
    view.set_follow(True)
    before = view.camera.direction
    view.set_row(make_row(gravity=[-np.cos(0.5), -np.sin(0.5), 0.0]))
    assert np.linalg.norm(view.camera.direction - before) > 0.1
    view.set_row(make_row())
    np.testing.assert_allclose(view.camera.direction, before, atol=1e-6)


def test_a_double_click_selects_a_link(view: HandView, qtbot: QtBot) -> None:
    settled(qtbot, view)
    stage = view.stage
    assert stage is not None
    centre = stage.poses.points_to_world(np.array([HAND.grasp_center]))
    x, y = view.camera.project(centre, (view.width(), view.height()))[0]
    with qtbot.waitSignal(view.link_selected) as selected:
        qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))
    assert selected.args == ["object"]
    assert "object" in view.accessibleDescription()
    assert view.link_at(QPointF(1, 1)) is None
    with qtbot.waitSignal(view.link_selected):
        qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
    assert view.selected_link == ""


def test_unknown_links_and_views(view: HandView) -> None:
    view.select_link("no such link")
    assert view.selected_link == ""
    with pytest.raises(ValueError, match="unknown view"):
        view.set_preset("below")


def test_the_banner_is_painted_and_read_out(view: HandView) -> None:
    plain = pixels(view.grab().toImage())
    view.set_banner("Compiling", 0.4)
    shown = pixels(view.grab().toImage())
    assert np.abs(shown - plain).max() > 50
    assert "Compiling" in view.accessibleDescription()
    view.set_banner("Compiling")
    assert view._banner_timer.isActive()
    view.set_banner("")
    assert not view._banner_timer.isActive()
    assert "Compiling" not in view.accessibleDescription()


def test_themes_differ(view: HandView) -> None:
    dark = pixels(view.grab_image()).mean()
    view.set_theme("light")
    assert pixels(view.grab_image()).mean() > dark + 40


def test_another_object_keeps_the_camera(view: HandView, qtbot: QtBot) -> None:
    settled(qtbot, view)
    before, camera = pixels(view.grab_image()), view.camera
    view.set_object(ObjectSpec(shape="sphere"))
    assert view.camera == camera
    assert np.abs(pixels(view.grab_image()) - before).mean() > 0.5


def test_the_same_hand_again_is_taken_over(view: HandView) -> None:
    stage = view.stage
    assert stage is not None
    stage.show_ghost = False
    view.set_hand(HAND, ObjectSpec())
    assert view.stage is stage
    view.set_hand(HAND, ObjectSpec(shape="sphere"))
    assert view.stage is not stage
    assert view.stage is not None
    assert view.stage.scene.parts[0] is stage.scene.parts[0]
    assert view.stage.show_ghost is False
    view.set_hand(HAND, None)
    assert "object" not in view.stage.scene.names


def test_a_picture_of_any_size(view: HandView) -> None:
    assert view.grab_image(QSize(200, 100)).size() == QSize(200, 100)


def test_a_new_row_does_not_wait_for_the_still_picture(view: HandView, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: view._refining and bool(view._asked_at), timeout=5000)
    view._timer.start(60_000)  # as if the still picture took very long
    view.set_row(make_row(position=HAND.home))
    qtbot.waitUntil(lambda: not view._dirty, timeout=2000)
    assert not view._refining


def test_slow_pictures_are_drawn_small_while_dragging(view: HandView, qtbot: QtBot) -> None:
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(140, 120))
    view._pacing._best_ms = 80.0
    qtbot.mouseMove(view, QPoint(150, 120))
    qtbot.waitUntil(lambda: view._image is not None and view._image.width() == 160)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(140, 120))
    qtbot.waitUntil(lambda: view._image is not None and view._image.width() == 320)


def test_without_opengl_a_message_is_shown(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(theme: str) -> None:
        raise GraphicsError("OpenGL 3.3 is not available", remedy="Install libegl1")

    monkeypatch.setattr(view3d, "SceneRenderer", refuse)
    view = HandView()
    qtbot.addWidget(view)
    view.resize(320, 240)
    view.set_hand(HAND)
    view.show()
    qtbot.waitUntil(lambda: "not available" in view.accessibleDescription())
    view.set_row(make_row())
    view.set_preset("top")
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(160, 120))
    assert view.grab_image().isNull()
    assert pixels(view.grab().toImage()).std() > 1.0
