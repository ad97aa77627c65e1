"""Sky, floor and the shadow on the floor."""

from __future__ import annotations

import moderngl
import numpy as np

from dexgen_app.render.context import Target, free, load_program, set_uniforms

_FLOOR_SIZE = 96
_FLOOR_UNIT, _PLATE_UNIT = 1, 2


class Backdrop:
    """Draws what is behind the hand; keeps the last sky and floor while the camera rests."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        screen = context.buffer(np.array([-1, -1, 3, -1, -1, 3], np.float32))
        square = context.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], np.float32))

        def array(program: moderngl.Program, corners: moderngl.Buffer) -> moderngl.VertexArray:
            return context.vertex_array(program, [(corners, "2f", "in_position")])

        self._backdrop = load_program(context, "backdrop.vert", "backdrop.frag")
        self._screen = array(self._backdrop, screen)
        copy = load_program(context, "plate.vert", "plate.frag")
        set_uniforms(copy, {"plate": _PLATE_UNIT})
        self._copy = array(copy, screen)
        self._floor = load_program(context, "floor.vert", "floor.frag")
        self._patch = array(self._floor, square)
        self._shadow = load_program(
            context, "floor_shadow.vert", "floor_shadow.frag", define="SHADOWS"
        )
        self._bake = array(self._shadow, square)
        self._floor_map = context.texture((_FLOOR_SIZE, _FLOOR_SIZE), 1)
        self._floor_map.repeat_x = self._floor_map.repeat_y = False
        self._floor_frame = context.framebuffer([self._floor_map])
        self._plate: moderngl.Texture | None = None
        self._plate_frame: moderngl.Framebuffer | None = None
        self._plate_key: tuple[object, ...] = ()
        self._corners = (screen, square)

    def release(self) -> None:
        """Free everything."""
        free(list(vars(self).values()))

    def draw(self, target: Target, uniforms: dict[str, object], key: tuple[object, ...]) -> None:
        """Draw sky and floor into a bound target.

        Args:
            target: Where to.
            uniforms: Values for the shaders.
            key: What the picture depends on; while it stays, the last picture is copied.
        """
        if target.samples:
            self._paint(uniforms)
            return
        plate, frame = self._plate, self._plate_frame
        if plate is None or frame is None or plate.size != target.size:
            free([frame, plate])
            self._plate = plate = self._context.texture(target.size, 4)
            self._plate_frame = frame = self._context.framebuffer([plate])
            self._plate_key = ()
        if key != self._plate_key:
            frame.use()
            self._paint(uniforms)
            self._plate_key = key
            target.frame.use()
        plate.use(_PLATE_UNIT)
        self._context.enable_only(moderngl.NOTHING)
        self._copy.render(vertices=3)

    def _paint(self, uniforms: dict[str, object]) -> None:
        self._context.enable_only(moderngl.NOTHING)
        set_uniforms(self._backdrop, uniforms)
        self._screen.render(vertices=3)

    def bake_shadow(self, uniforms: dict[str, object]) -> None:
        """Blur the shadow map where it meets the floor into a small picture; binds its frame."""
        self._floor_frame.use()
        self._context.enable_only(moderngl.NOTHING)
        set_uniforms(self._shadow, uniforms)
        self._bake.render(moderngl.TRIANGLE_STRIP)

    def draw_shadow(self, uniforms: dict[str, object]) -> None:
        """Darken the floor in the bound frame with the baked shadow."""
        gl = self._context
        self._floor_map.use(_FLOOR_UNIT)
        gl.enable_only(moderngl.BLEND)
        gl.blend_func = moderngl.ZERO, moderngl.SRC_COLOR
        set_uniforms(self._floor, {**uniforms, "floor_map": _FLOOR_UNIT})
        self._patch.render(moderngl.TRIANGLE_STRIP)


def floor_corners(light: np.ndarray, height: float) -> np.ndarray:
    """Return where the light's box meets the floor: x and y of four corners, shape (4, 2).

    Args:
        light: The light's view-projection, shape (4, 4).
        height: Height of the floor [m].
    """
    corners = [[x, y, z, 1.0] for y in (-1, 1) for x in (-1, 1) for z in (-1, 1)]
    world = (np.array(corners) @ np.linalg.inv(light).T)[:, :3].reshape(4, 2, 3)
    near, far = world[:, 0], world[:, 1]
    share = (height - near[:, 2:]) / (far[:, 2:] - near[:, 2:])
    return (near + share * (far - near))[:, :2]
