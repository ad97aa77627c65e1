"""Draws a scene description into a picture with OpenGL; knows nothing of windows."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np

from dexgen_app.render.camera import Camera
from dexgen_app.render.context import (
    GraphicsError,
    Target,
    create_context,
    is_software,
    load_program,
    set_uniforms,
)
from dexgen_app.render.markers import Markers
from dexgen_app.render.openness import bake_openness
from dexgen_app.render.palette import PALETTES, Palette, Theme
from dexgen_app.render.scene import OBJECT, SceneDescription
from dexgen_app.render.transforms import look_at, orthographic, pose_matrices

MAX_PARTS = 128
_SHADOW_SIZE = 640
_FLOOR_SIZE = 96
_VERTEX = np.dtype(
    [
        ("xyz", "<f4", 3),
        ("normal", "<f4", 3),
        ("color", "u1", 4),
        ("link", "u1"),
        ("open", "u1"),
        ("pad", "u1", 2),
    ]
)
_KEY = np.array([0.42, 0.48, 0.77])
_UNIT_TO_TEXTURE = np.array([[0.5, 0, 0, 0.5], [0, 0.5, 0, 0.5], [0, 0, 0.5, 0.5], [0, 0, 0, 1.0]])
# Pictures are read from the top row down, so they are drawn upside down.
_FLIP = np.diag([1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What a frame may cost.

    Attributes:
        shadows: Whether the key light casts shadows.
        samples: Samples a pixel for smooth edges; 0 is cheapest, 4 suits a GPU.
        scale: Size of the picture relative to what was asked for.
    """

    shadows: bool = True
    samples: int = 0
    scale: float = 1.0


class SceneRenderer:
    """Renders a scene off-screen. All methods must be called from one thread.

    Poses are in a z-up world. A part whose pose holds NaN is not drawn.

    Raises:
        GraphicsError: OpenGL 3.3 is not available.
    """

    def __init__(self, theme: Theme = "dark") -> None:
        self._context = create_context()
        self.software = is_software(self._context)
        self.palette: Palette = PALETTES[theme]
        self.floor_height = -0.15
        with self._context:
            self._build_programs()
        self._scene: SceneDescription | None = None
        self._targets: dict[tuple[int, int, int], Target] = {}
        self._ghost: np.ndarray | None = None
        self._highlight = -1

    @property
    def name(self) -> str:
        """Name of the OpenGL implementation."""
        return str(self._context.info["GL_RENDERER"])

    @property
    def scene(self) -> SceneDescription | None:
        """The scene that is drawn."""
        return self._scene

    def _build_programs(self) -> None:
        gl = self._context
        self._surface = load_program(gl, "surface.vert", "surface.frag", define="SHADOWS")
        self._unshadowed = load_program(gl, "surface.vert", "surface.frag")
        self._ghost_program = load_program(gl, "ghost.vert", "ghost.frag")
        self._depth = load_program(gl, "depth.vert", "depth.frag")
        self._identity = load_program(gl, "depth.vert", "identity.frag")
        self._backdrop = load_program(gl, "backdrop.vert", "backdrop.frag")
        for program in (
            self._surface,
            self._unshadowed,
            self._ghost_program,
            self._depth,
            self._identity,
        ):
            program["Links"].binding = 0
        self._links = gl.buffer(reserve=MAX_PARTS * 80, dynamic=True)
        self._ghost_links = gl.buffer(reserve=MAX_PARTS * 80, dynamic=True)
        screen = gl.buffer(np.array([-1, -1, 3, -1, -1, 3], np.float32))
        self._screen = gl.vertex_array(self._backdrop, [(screen, "2f", "in_position")])
        copy = load_program(gl, "plate.vert", "plate.frag")
        copy["plate"].value = 2  # type: ignore[union-attr]
        self._copy = gl.vertex_array(copy, [(screen, "2f", "in_position")])
        self._floor = load_program(gl, "floor.vert", "floor.frag")
        self._floor_shadow = load_program(
            gl, "floor_shadow.vert", "floor_shadow.frag", define="SHADOWS"
        )
        square = gl.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], np.float32))
        self._floor_patch = gl.vertex_array(self._floor, [(square, "2f", "in_position")])
        self._floor_bake = gl.vertex_array(self._floor_shadow, [(square, "2f", "in_position")])
        self._floor_map = gl.texture((_FLOOR_SIZE, _FLOOR_SIZE), 1)
        self._floor_map.repeat_x = self._floor_map.repeat_y = False
        self._floor_frame = gl.framebuffer([self._floor_map])
        self._plate: moderngl.Texture | None = None
        self._plate_key: tuple[object, ...] = ()
        self._spare = Target(gl, (1, 1), 0)
        self._pending: Target | None = None
        self._shadow_map = gl.depth_texture((_SHADOW_SIZE, _SHADOW_SIZE))
        self._shadow_map.compare_func = "<="
        self._shadow_map.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
        self._shadow_frame = gl.framebuffer(depth_attachment=self._shadow_map)
        self._markers = Markers(gl)
        self._vertices: moderngl.Buffer | None = None

    # Scene ----------------------------------------------------------------------------------

    def set_scene(self, scene: SceneDescription) -> None:
        """Upload a scene and show it in its rest poses.

        Raises:
            GraphicsError: The scene has more than ``MAX_PARTS`` parts.
        """
        if len(scene.parts) > MAX_PARTS:
            raise GraphicsError(
                f"the scene has {len(scene.parts)} bodies, more than {MAX_PARTS}",
                where="3D view",
                remedy="Merge fixed bodies of the hand's model",
            )
        count = sum(len(part.mesh.vertices) for part in scene.parts)
        data = np.zeros(
            count,
            [
                ("xyz", "<f4", 3),
                ("normal", "<f4", 3),
                ("color", "u1", 4),
                ("link", "u1"),
                ("open", "u1"),
                ("pad", "u1", 2),
            ],
        )
        faces, start = [], 0
        for link, part in enumerate(scene.parts):
            stop = start + len(part.mesh.vertices)
            data["xyz"][start:stop] = part.mesh.vertices
            data["normal"][start:stop] = part.mesh.normals
            data["color"][start:stop] = np.round(np.clip(part.colors, 0, 1) * 255)
            data["link"][start:stop] = link
            faces.append(part.mesh.faces + start)
            start = stop
        hand = sum(face.size for face in faces[: scene.hand_parts])
        with self._context:
            self._release_scene()
            self._vertices = self._context.buffer(data)
            self._faces = self._context.buffer(np.concatenate(faces).astype(np.int32))
            full = "3f4 3f4 4f1 1u1 1f1 2x1"
            names = ("in_position", "in_normal", "in_color", "in_link", "in_openness")
            self._draw_surface = self._array(self._surface, full, names)
            self._draw_unshadowed = self._array(self._unshadowed, full, names)
            self._draw_ghost = self._array(
                self._ghost_program, "3f4 3f4 4x1 1u1 3x1", ("in_position", "in_normal", "in_link")
            )
            bare = ("3f4 12x1 4x1 1u1 3x1", ("in_position", "in_link"))
            self._draw_depth = self._array(self._depth, *bare)
            self._draw_identity = self._array(self._identity, *bare)
        self._hand_indices = hand
        self._scene = scene
        self._radii = np.array([part.radius for part in scene.parts])
        self._tints = np.zeros((len(scene.parts), 4), np.float32)
        self._highlight = -1
        self._ghost = None
        self.set_poses(scene.rest)
        data["open"] = 255
        points = sum(len(part.mesh.vertices) for part in scene.parts[: scene.hand_parts])
        data["open"][:points] = np.round(255 * self._openness(data[:points], scene))
        with self._context:
            self._vertices.write(data)

    def _openness(self, vertices: np.ndarray, scene: SceneDescription) -> np.ndarray:
        """Return the openness of the hand's vertices in the scene's rest poses."""
        if len(vertices) == 0:
            return np.zeros(0)
        matrices = pose_matrices(scene.rest)[vertices["link"]]
        points = np.einsum("nij,nj->ni", matrices[:, :3, :3], vertices["xyz"]) + matrices[:, :3, 3]
        normals = np.einsum("nij,nj->ni", matrices[:, :3, :3], vertices["normal"])

        def draw(matrix: np.ndarray) -> None:
            set_uniforms(self._depth, {"view_projection": matrix, "setback": 0.0})
            self._draw_depth.render(vertices=self._hand_indices)

        with self._context:
            self._upload()
            self._prepare(front_face="ccw", cull_face="back")
            self._links.bind_to_uniform_block(0)
            return bake_openness(self._context, draw, points, normals)

    def _array(
        self, program: moderngl.Program, layout: str, names: tuple[str, ...]
    ) -> moderngl.VertexArray:
        return self._context.vertex_array(
            program, [(self._vertices, layout, *names)], index_buffer=self._faces
        )

    def set_poses(self, poses: np.ndarray) -> None:
        """Place the parts: position [m] and quaternion wxyz in the world, shape (parts, 7)."""
        assert self._scene is not None, "set_scene comes first"
        self._poses = np.array(poses, dtype=float).reshape(len(self._scene.parts), 7)

    def set_colors(self, tints: np.ndarray | None) -> None:
        """Tint the parts: red, green, blue (sRGB) and strength 0 to 1, shape (parts, 4)."""
        assert self._scene is not None, "set_scene comes first"
        count = len(self._scene.parts)
        self._tints = (
            np.zeros((count, 4), np.float32) if tints is None else np.array(tints, np.float32)
        )

    def set_ghost(self, poses: np.ndarray | None, opacity: np.ndarray | float = 1.0) -> None:
        """Show a second, translucent hand, or none.

        Args:
            poses: Poses of the hand's parts in the world, shape (hand parts, 7), or None.
            opacity: How much each part shows, 0 to 1, shape (hand parts,) or one number.
        """
        self._ghost = None if poses is None else np.array(poses, dtype=float)
        self._ghost_opacity = np.asarray(opacity, dtype=float)

    def set_highlight(self, name: str | None) -> None:
        """Mark one part by its name, or none."""
        known = self._scene is not None and name in self._scene.names
        self._highlight = self._scene.index(name) if known and name else -1  # type: ignore[union-attr]

    def set_contacts(self, contacts: np.ndarray, metres_per_newton: float = 0.02) -> None:
        """Show contacts: position [m] and force [N] in the world, shape (k, 6)."""
        with self._context:
            self._markers.set_contacts(contacts, metres_per_newton, self.palette.contact)

    def set_traces(self, traces: list[np.ndarray]) -> None:
        """Show trajectories in the world, each of shape (k, 3); older points fade."""
        with self._context:
            self._markers.set_traces(traces, self.palette.trace)

    def set_theme(self, theme: Theme) -> None:
        """Change the palette."""
        self.palette = PALETTES[theme]

    # Pictures -------------------------------------------------------------------------------

    def render(
        self,
        camera: Camera,
        size: tuple[int, int],
        quality: Quality | None = None,
        components: int = 3,
    ) -> np.ndarray:
        """Draw the scene and wait for the picture.

        Args:
            camera: Where it is seen from.
            size: Width and height [pixels].
            quality: What it may cost.
            components: 3 for red, green, blue; 4 with an opaque alpha.

        Returns:
            The picture, shape (height, width, components), uint8, top row first.
        """
        self.submit(camera, size, quality)
        picture = self.fetch(components)
        assert picture is not None
        return picture

    def submit(self, camera: Camera, size: tuple[int, int], quality: Quality | None = None) -> None:
        """Begin to draw the scene; software drawing goes on in threads of its own.

        Args:
            camera: Where it is seen from.
            size: Width and height [pixels].
            quality: What it may cost.
        """
        quality = quality or Quality()
        width, height = (max(8, round(side * quality.scale)) for side in size)
        with self._context:
            self._upload()
            light = self._light_matrix()
            view = _FLIP @ camera.projection(width / height) @ camera.view()
            uniforms = self._uniforms(camera, view, light)
            if quality.shadows and self._scene is not None:
                self._draw_shadows(light)
                self._shadow_map.use(0)
                self._bake_floor_shadow(uniforms)
            target = self._target((width, height), quality.samples)
            target.frame.use()
            target.frame.clear(depth=1.0)
            self._draw_backdrop(target, uniforms)
            if self._scene is not None:
                if quality.shadows and camera.eye[2] > self.floor_height:
                    self._draw_floor_shadow(uniforms)
                self._draw_links(uniforms, quality.shadows)
                self._markers.draw(uniforms, (width, height))
            # Drawing into another frame makes the driver begin with this one.
            self._spare.frame.use()
            self._spare.frame.clear()
        self._pending = target

    def fetch(self, components: int = 3) -> np.ndarray | None:
        """Wait for the picture of the last ``submit`` and return it; None if there is none.

        Args:
            components: 3 for red, green, blue; 4 with an opaque alpha.
        """
        target, self._pending = self._pending, None
        if target is None:
            return None
        with self._context:
            return target.read(components)

    def pick(self, camera: Camera, size: tuple[int, int], x: float, y: float) -> str | None:
        """Return the name of the part that is seen at a pixel, or None.

        Args:
            camera: Where the scene is seen from.
            size: Width and height of the picture [pixels].
            x: Pixels from the left.
            y: Pixels from the top.
        """
        if self._scene is None:
            return None
        width, height = size
        # A picture of one pixel: the projection blown up round the point.
        zoom = np.diag([width, height, 1.0, 1.0])
        zoom[0, 3] = width - 2.0 * x
        zoom[1, 3] = 2.0 * y - height
        view = _FLIP @ zoom @ camera.projection(width / height) @ camera.view()
        with self._context:
            self._upload()
            target = self._spare
            target.frame.use()
            target.frame.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
            self._prepare(front_face="cw", cull_face="back")
            set_uniforms(self._identity, {"view_projection": view, "setback": 0.0})
            self._links.bind_to_uniform_block(0)
            self._draw_identity.render()
            link = int(target.read(3)[0, 0, 0]) - 1
        return self._scene.names[link] if link >= 0 else None

    def _target(self, size: tuple[int, int], samples: int) -> Target:
        samples = min(samples, int(self._context.max_samples))
        key = (*size, samples)
        if key not in self._targets:
            while len(self._targets) >= 6:
                self._targets.pop(next(iter(self._targets))).release()
            self._targets[key] = Target(self._context, size, samples)
        return self._targets[key]

    def _upload(self) -> None:
        if self._scene is None:
            return
        self._links.write(_link_block(self._poses, self._tints))
        if self._ghost is not None:
            tints = np.zeros((len(self._ghost), 4), np.float32)
            tints[:, 3] = self._ghost_opacity
            self._ghost_links.write(_link_block(self._ghost, tints))

    def _light_matrix(self) -> np.ndarray:
        """Return the key light's view-projection, fitted round the visible parts."""
        key = _KEY / np.linalg.norm(_KEY)
        view = look_at(key, np.zeros(3), np.array([0.0, 0.0, 1.0]))
        centres, radii = np.zeros((1, 3)), np.array([0.1])
        if self._scene is not None:
            seen = np.isfinite(self._poses).all(axis=1)
            seen &= np.linalg.norm(self._poses[:, :3], axis=1) < 1.0
            if seen.any():
                centres, radii = self._poses[seen, :3], self._radii[seen]
        local = centres @ view[:3, :3].T + view[:3, 3]
        lower = (local - radii[:, None]).min(axis=0) - 0.005
        upper = (local + radii[:, None]).max(axis=0) + 0.005
        return orthographic(lower, upper) @ view

    def _uniforms(self, camera: Camera, view: np.ndarray, light: np.ndarray) -> dict[str, object]:
        p = self.palette
        eye = camera.eye
        right = camera.view()[0, :3]
        fill = camera.direction + 0.7 * right + np.array([0.0, 0.0, 0.25])
        occluder, link = np.array([0.0, 0.0, 0.0, 0.0]), -1
        if self._scene is not None and OBJECT in self._scene.names:
            link = self._scene.index(OBJECT)
            if np.isfinite(self._poses[link]).all():
                occluder = np.array([*self._poses[link, :3], 0.72 * self._radii[link]])
        return {
            "view_projection": view,
            "inverse_view_projection": np.linalg.inv(view),
            "light_projection": _UNIT_TO_TEXTURE @ light,
            "floor_map": 1,
            "corners": _floor_patch(light, self.floor_height),
            "shadow_map": 0,
            "shadow_texel": 1.0 / _SHADOW_SIZE,
            "eye": eye,
            "key_direction": _KEY / np.linalg.norm(_KEY),
            "fill_direction": fill / np.linalg.norm(fill),
            "key_color": p.key,
            "fill_color": p.fill,
            "sky_color": p.sky,
            "ground_color": p.ground,
            "rim_color": p.rim,
            "zenith": p.zenith,
            "horizon": p.horizon,
            "floor_color": p.floor,
            "grid_color": p.grid,
            "grid_strength": p.grid_strength,
            "shadow_strength": p.shadow,
            "floor_height": self.floor_height,
            "floor_radius": max(0.7, 1.6 * camera.distance),
            "ghost_color": p.ghost,
            "highlight_color": p.highlight,
            "highlight_link": self._highlight,
            "occluder": occluder,
            "object_link": link,
            "setback": 0.0,
        }

    def _prepare(self, front_face: str, cull_face: str) -> None:
        gl = self._context
        gl.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        gl.front_face, gl.cull_face, gl.depth_func = front_face, cull_face, "<="
        gl.blend_func = moderngl.DEFAULT_BLENDING

    def _draw_shadows(self, light: np.ndarray) -> None:
        self._shadow_frame.use()
        self._shadow_frame.clear(depth=1.0)
        self._prepare(front_face="ccw", cull_face="front")
        set_uniforms(self._depth, {"view_projection": light, "setback": 0.0})
        self._links.bind_to_uniform_block(0)
        self._draw_depth.render()

    def _draw_backdrop(self, target: Target, uniforms: dict[str, object]) -> None:
        """Draw sky and floor; while the camera rests, the last ones are copied."""
        if target.samples:
            self._paint_backdrop(uniforms)
            return
        view = uniforms["view_projection"]
        assert isinstance(view, np.ndarray)
        key = (target.size, view.tobytes(), self.floor_height, self.palette)
        if key != self._plate_key or self._plate is None:
            self._new_plate(target.size)
            self._paint_backdrop(uniforms)
            self._plate_key = key
            target.frame.use()
        assert self._plate is not None
        self._plate.use(2)
        self._context.enable_only(moderngl.NOTHING)
        self._copy.render(vertices=3)

    def _new_plate(self, size: tuple[int, int]) -> None:
        """Bind a picture of the right size that keeps the backdrop."""
        if self._plate is None or self._plate.size != size:
            if self._plate is not None:
                self._plate_frame.release()
                self._plate.release()
            self._plate = self._context.texture(size, 4)
            self._plate_frame = self._context.framebuffer([self._plate])
        self._plate_frame.use()

    def _paint_backdrop(self, uniforms: dict[str, object]) -> None:
        self._context.enable_only(moderngl.NOTHING)
        set_uniforms(self._backdrop, uniforms)
        self._screen.render(vertices=3)

    def _bake_floor_shadow(self, uniforms: dict[str, object]) -> None:
        self._floor_frame.use()
        self._context.enable_only(moderngl.NOTHING)
        set_uniforms(self._floor_shadow, uniforms)
        self._floor_bake.render(moderngl.TRIANGLE_STRIP)

    def _draw_floor_shadow(self, uniforms: dict[str, object]) -> None:
        gl = self._context
        self._floor_map.use(1)
        gl.enable_only(moderngl.BLEND)
        gl.blend_func = moderngl.ZERO, moderngl.SRC_COLOR
        set_uniforms(self._floor, uniforms)
        self._floor_patch.render(moderngl.TRIANGLE_STRIP)

    def _draw_links(self, uniforms: dict[str, object], shadows: bool) -> None:
        self._prepare(front_face="cw", cull_face="back")
        set_uniforms(self._surface if shadows else self._unshadowed, uniforms)
        self._links.bind_to_uniform_block(0)
        (self._draw_surface if shadows else self._draw_unshadowed).render()
        if self._ghost is None or not (self._ghost_opacity > 0.0).any():
            return
        # Depth first, so that only the ghost's nearest surface is blended.
        self._ghost_links.bind_to_uniform_block(0)
        self._context.enable(moderngl.BLEND)
        set_uniforms(self._depth, {**uniforms, "setback": 2e-4})
        self._draw_depth.render(vertices=self._hand_indices)
        set_uniforms(self._ghost_program, {**uniforms, "setback": 2e-4})
        self._draw_ghost.render(vertices=self._hand_indices)

    # End ------------------------------------------------------------------------------------

    def _release_scene(self) -> None:
        if self._vertices is None:
            return
        for resource in (
            self._draw_surface,
            self._draw_ghost,
            self._draw_depth,
            self._draw_identity,
        ):
            resource.release()
        self._vertices.release()
        self._faces.release()
        self._vertices = None

    def close(self) -> None:
        """Free the context."""
        self._context.release()


def _link_block(poses: np.ndarray, tints: np.ndarray) -> bytes:
    """Pack the shaders' ``Links`` block; hidden parts collapse to a point."""
    matrices = np.zeros((MAX_PARTS, 4, 4), np.float32)
    known = pose_matrices(np.nan_to_num(poses))
    known[~np.isfinite(poses).all(axis=1)] = 0.0
    matrices[: len(poses)] = np.swapaxes(known, 1, 2)
    colors = np.zeros((MAX_PARTS, 4), np.float32)
    colors[: len(tints)] = tints
    return matrices.tobytes() + colors.tobytes()


def _floor_patch(light: np.ndarray, height: float) -> np.ndarray:
    """Return where the light's box meets the floor: x and y of four corners, shape (4, 2)."""
    corners = [[x, y, z, 1.0] for y in (-1, 1) for x in (-1, 1) for z in (-1, 1)]
    world = (np.array(corners) @ np.linalg.inv(light).T)[:, :3].reshape(4, 2, 3)
    near, far = world[:, 0], world[:, 1]
    share = (height - near[:, 2:]) / (far[:, 2:] - near[:, 2:])
    return (near + share * (far - near))[:, :2]
