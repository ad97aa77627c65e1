"""The 3D view: paints what the renderer draws, and turns mouse and keys into camera moves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from dexgen_app.errors import DexgenError
from dexgen_app.gui.view_camera import CameraRig
from dexgen_app.gui.view_overlay import Overlay, paint_overlay, paint_problem
from dexgen_app.gui.view_pacing import Pacing
from dexgen_app.render.camera import PRESETS, Camera
from dexgen_app.render.context import GraphicsError
from dexgen_app.render.renderer import Quality, SceneRenderer
from dexgen_app.render.stage import Stage
from dexgen_app.render.transforms import rotation_matrices
from dexgen_app.spec import HandSpec, ObjectSpec

if TYPE_CHECKING:
    from dexgen_app.render.palette import Theme

_SETTLE_MS = 260
_REFINE_WAIT = 10.0  # a picture with smooth edges takes this many times as long, at most
_BEST = Quality(samples=4)


class HandView(QWidget):
    """Shows a hand, the commanded hand, the object and the contacts.

    Left drag turns, right, middle or shift drag shifts, the wheel zooms, a double click selects a
    link. Keys 1 to 5 choose a view, R resets it, F keeps the camera fixed to the palm.

    Signals:
        link_selected: Name of the selected link, empty if none.
        preset_changed: Name of the view, empty after a move by hand.
        follow_changed: Whether the camera is fixed to the palm.
    """

    link_selected = pyqtSignal(str)
    preset_changed = pyqtSignal(str)
    follow_changed = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hand_view")
        self.setAccessibleName("3D view of the hand")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.stage: Stage | None = None
        self.overlay = Overlay()
        self._renderer: SceneRenderer | None = None
        self._theme: Theme = "dark"
        self._problem: DexgenError | None = None
        self._image: QImage | None = None
        self._rig = CameraRig()
        self._drag: tuple[QPointF, bool] | None = None
        self._shortcuts = True
        self._dirty = False
        self._asked_at = 0.0
        self._refined = self._refining = False
        self._pacing = Pacing()
        self._frames: list[float] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._refine)
        self._banner_timer = QTimer(self)
        self._banner_timer.setInterval(60)
        self._banner_timer.timeout.connect(self.update)

    # What is shown --------------------------------------------------------------------------

    def set_hand(self, hand: HandSpec, object: ObjectSpec | None = None) -> None:
        """Show a hand at rest with an object in it; cheap if it is the hand that is shown.

        Raises:
            ModelError: The hand's model cannot be read.
        """
        from dexgen_app.kinematics.model import HandModel

        if self.stage is not None and self.stage.hand.spec == hand:
            self.set_object(object)
            self.stage.show_rest()
            self.refresh()
        else:
            self.set_stage(Stage(HandModel(hand), object))

    def set_stage(self, stage: Stage) -> None:
        """Show a prepared stage; the camera goes back to its view."""
        self.stage = stage
        self.select_link(None)
        self._problem = None if self._renderer else self._problem
        self._rig.look_at(stage)
        self._describe()
        self.refresh()

    def set_object(self, object: ObjectSpec | None) -> None:
        """Change the object, keeping the camera."""
        if self.stage is not None and object != self.stage.object:
            self.stage = Stage(self.stage.hand, object, like=self.stage)
            self._rig.look_at(self.stage, keep=True)
            self.stage.selected = self.overlay.selected or None
            self.refresh()

    def set_row(self, row: np.void) -> None:
        """Show a row of the state ring or of a recording; nothing is drawn if nothing moved."""
        if self.stage is None or not self.stage.show_row(row):
            return
        if self._drag is None:
            self._rig.keep_up()
        self.refresh()

    def set_ghost_visible(self, visible: bool) -> None:
        """Show or hide the commanded hand."""
        if self.stage is not None:
            self.stage.show_ghost = visible
            self.refresh()

    def set_contacts_visible(self, visible: bool) -> None:
        """Show or hide contact forces."""
        if self.stage is not None:
            self.stage.show_contacts = visible
            self.refresh()

    def set_link_colors(self, tints: Mapping[str, tuple[float, float, float, float]]) -> None:
        """Colour links by name: red, green, blue and strength, 0 to 1."""
        if self.stage is not None:
            self.stage.tint(tints)
            self.refresh()

    def set_theme(self, theme: Theme) -> None:
        """Take the ``dark`` or the ``light`` palette."""
        self._theme = self.overlay.theme = theme
        if self._renderer is not None:
            self._renderer.set_theme(theme)
        self.refresh()

    @property
    def theme(self) -> Theme:
        """Name of the palette."""
        return self._theme

    def set_banner(self, text: str, fraction: float | None = None) -> None:
        """Show a line over the picture, with progress from 0 to 1 or None; empty text hides it."""
        self.overlay.banner, self.overlay.banner_fraction = text, fraction
        self._describe()
        if text and fraction is None:
            self._banner_timer.start()
        else:
            self._banner_timer.stop()
        self.update()

    def select_link(self, name: str | None) -> None:
        """Select a link by name, or none."""
        known = self.stage is not None and name in self.stage.scene.names
        chosen = name if known and name else ""
        if self.stage is not None:
            self.stage.selected = chosen or None
        if chosen != self.overlay.selected:
            self.overlay.selected = chosen
            self.link_selected.emit(chosen)
            self._describe()
            self.refresh()

    @property
    def selected_link(self) -> str:
        """Name of the selected link, empty if none."""
        return self.overlay.selected

    # Camera ---------------------------------------------------------------------------------

    @property
    def camera(self) -> Camera:
        """Where the hand is seen from."""
        return self._rig.camera

    @property
    def preset(self) -> str:
        """Name of the view, empty after a move by hand."""
        return self._rig.preset

    def set_preset(self, name: str) -> None:
        """Glide to a view of ``PRESETS``.

        Raises:
            ValueError: No view has this name.
        """
        self._rig.go_to(name, glide=self.isVisible())
        self.preset_changed.emit(name)
        self.refresh()

    def reset_camera(self) -> None:
        """Glide back to the first view and let go of the palm."""
        self.set_follow(False)
        self.set_preset(PRESETS[0])

    def set_follow(self, follow: bool) -> None:
        """Keep the camera fixed to the palm while the wrist turns, or let it go."""
        if follow != self.following:
            self._rig.follow(follow)
            self.follow_changed.emit(follow)
            self.refresh()

    @property
    def following(self) -> bool:
        """Whether the camera is fixed to the palm."""
        return self._rig.following

    def set_shortcuts_enabled(self, enabled: bool) -> None:
        """Let the view's own keys act, or leave all keys to others."""
        self._shortcuts = enabled

    def _move(self, camera: Camera) -> None:
        named = bool(self._rig.preset)
        self._rig.move(camera)
        if named:
            self.preset_changed.emit("")
        self.refresh()

    # Frames ---------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask for a new picture; at most 30 a second are drawn, and none while hidden."""
        self._dirty = True
        self._refined = False
        self._settle.stop()
        if self._asked_at and self._refining:  # a new picture matters more
            self._asked_at = 0.0
            self._timer.stop()
        if self.isVisible() and not self._timer.isActive():
            self._timer.start(0)

    @property
    def fps(self) -> float:
        """Pictures drawn in the last second."""
        now = time.monotonic()
        self._frames = [stamp for stamp in self._frames if now - stamp < 1.0]
        return float(len(self._frames))

    def grab_image(self, size: QSize | None = None) -> QImage:
        """Return a fresh picture in best quality, without the overlay; null without OpenGL."""
        size = size or self.size()
        self._fetch()  # the renderer keeps one picture at a time
        if self._ready() and self.stage is not None and self._renderer is not None:
            self.stage.apply(self._renderer)
            extent = (size.width(), size.height())
            return _to_image(self._renderer.render(self._rig.camera, extent, _BEST, components=4))
        return QImage()

    def _ready(self) -> bool:
        if self._renderer is None and self._problem is None:
            try:
                self._renderer = SceneRenderer(self._theme)
            except GraphicsError as problem:
                self._problem = problem
                self._describe()
        return self._renderer is not None

    def _tick(self) -> None:
        """Show the picture that was asked for, then ask for the next if anything changed."""
        if self._asked_at:
            self._fetch()
            since = (time.monotonic() - self._asked_at) * 1000.0
            self._asked_at = 0.0
            self._timer.start(round(self._pacing.rest_ms(since)))
        elif self.isVisible() and self._dirty:
            self._rig.advance()
            if self._ask(
                self._pacing.quality(dragging=self._drag is not None, software=self._software)
            ):
                self._timer.start(round(self._pacing.draw_ms))
            self._dirty = self._rig.gliding
        elif self.isVisible() and not self._refined:
            self._settle.start()

    @property
    def _software(self) -> bool:
        return self._renderer is None or self._renderer.software

    def _ask(self, quality: Quality) -> bool:
        """Begin a picture; return False if there is nothing to draw or nothing to draw with."""
        if not self._ready() or self.stage is None or self._renderer is None:
            self.update()
            return False
        start = time.monotonic()
        uploaded = self._renderer.scene is self.stage.scene
        try:
            self.stage.apply(self._renderer)
        except GraphicsError as problem:
            self._problem = problem
            self._describe()
            self.update()
            return False
        self._renderer.submit(self._rig.camera, self._pixel_size(), quality)
        self._asked_at = start
        self._refined = quality.samples > 0
        self._refining = False
        if uploaded:  # the upload of a new scene says nothing about the next picture
            self._pacing.asked((time.monotonic() - start) * 1000.0)
        return True

    def _fetch(self) -> None:
        if self._renderer is None:
            return
        start = time.monotonic()
        pixels = self._renderer.fetch(components=4)
        now = time.monotonic()
        if pixels is not None:
            self._image = _to_image(pixels)
            if not self._refining:
                self._pacing.fetched((now - start) * 1000.0)
                self._frames.append(now)
            self.update()

    def _refine(self) -> None:
        """Draw one picture with smooth edges once nothing moves."""
        if not self.isVisible() or self._drag is not None or self._dirty or self._asked_at:
            return
        if self._ready() and self.stage is not None and self._renderer is not None:
            self.stage.apply(self._renderer)
            self._renderer.submit(self._rig.camera, self._pixel_size(), _BEST)
            self._refined = self._refining = True
            self._asked_at = time.monotonic()
            self._timer.start(round(_REFINE_WAIT * self._pacing.draw_ms))

    def _pixel_size(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return round(self.width() * ratio), round(self.height() * ratio)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the last picture and the overlay."""
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        if self._problem is not None:
            paint_problem(painter, self.rect(), self._problem, self.overlay)
            painter.end()
            return
        if self._image is not None:
            painter.drawImage(self.rect(), self._image)
        else:
            painter.fillRect(self.rect(), self.overlay.background)
        self.overlay.preset = self._rig.preset
        self.overlay.following = self.following
        self.overlay.fps, self.overlay.frame_ms = self.fps, self._pacing.frame_ms
        view = self._rig.camera.view()[:3, :3]
        self.overlay.axes = None
        if self.stage is not None:
            self.overlay.axes = view @ rotation_matrices(self.stage.poses.rotation)
            self.overlay.down = -view[:, 2]
        paint_overlay(painter, self.rect(), self.overlay)
        painter.end()

    def _describe(self) -> None:
        """Say in words what the picture shows."""
        parts = []
        if self.stage is not None:
            parts.append(self.stage.hand.spec.title)
        if self.overlay.selected:
            parts.append(f"selected link {self.overlay.selected}")
        if self.overlay.banner:
            parts.append(self.overlay.banner)
        if self._problem is not None:
            parts.append(str(self._problem))
        self.setAccessibleDescription(", ".join(parts))

    def release(self) -> None:
        """Free what the view holds in OpenGL; it is made anew if the view is drawn again."""
        self._asked_at = 0.0
        self._timer.stop()
        self._settle.stop()
        renderer, self._renderer = self._renderer, None
        if renderer is not None:
            renderer.close()

    # Events ---------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent | None) -> None:
        """Draw again when the view appears."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Stop drawing while hidden."""
        super().hideEvent(event)
        self._asked_at = 0.0
        self._timer.stop()
        self._settle.stop()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the whole hand in a view that was chosen by name."""
        super().resizeEvent(event)
        self._rig.resize(self.width(), self.height())
        self.refresh()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin to turn or to shift."""
        if event is None:
            return
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._drag = (event.position(), shift or event.button() != Qt.MouseButton.LeftButton)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Turn or shift the camera."""
        if event is None or self._drag is None:
            return
        last, panning = self._drag
        step = (event.position() - last) / max(1, self.height())
        self._drag = (event.position(), panning)
        if panning:
            self._move(self._rig.camera.pan(-step.x(), step.y()))
        else:
            self._move(self._rig.camera.orbit(-4.0 * step.x(), 4.0 * step.y()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End the move; the next picture has full quality."""
        self._drag = None
        self.refresh()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Select the link under the pointer."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._drag = None
        self.select_link(self.link_at(event.position()))

    def link_at(self, point: QPointF) -> str | None:
        """Return the name of the link at a position in the widget, or None."""
        if not self._ready() or self._renderer is None or self.stage is None:
            return None
        self.stage.apply(self._renderer)
        size = (self.width(), self.height())
        return self._renderer.pick(self._rig.camera, size, point.x(), point.y())

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom."""
        if event is not None:
            self._move(self._rig.camera.zoom(0.9 ** (event.angleDelta().y() / 120.0)))
            event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Choose a view, reset it, or follow the palm."""
        if event is None:
            return
        if not self._shortcuts or not self.handle_key(event):
            event.ignore()

    def handle_key(self, event: QKeyEvent) -> bool:
        """Act on one of the view's keys; return whether it was one."""
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        number = event.key() - Qt.Key.Key_1
        if 0 <= number < len(PRESETS):
            self.set_preset(PRESETS[number])
        elif event.key() == Qt.Key.Key_R:
            self.reset_camera()
        elif event.key() == Qt.Key.Key_F:
            self.set_follow(not self.following)
        else:
            return False
        return True


def _to_image(pixels: np.ndarray) -> QImage:
    height, width = pixels.shape[:2]
    image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBX8888)
    return image.convertToFormat(QImage.Format.Format_RGB32)
