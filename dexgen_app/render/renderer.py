"""Draws a scene description into a picture with OpenGL; knows nothing of windows."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np

from dexgen_app.render.backdrop import Backdrop, floor_corners
from dexgen_app.render.camera import Camera
from dexgen_app.render.context import (
    GraphicsError,
    Target,
    free,
    is_software,
    shared_context,
)
from dexgen_app.render.links import MAX_PARTS, Links
from dexgen_app.render.markers import Markers
from dexgen_app.render.palette import PALETTES, Palette, Theme
from dexgen_app.render.scene import OBJECT, SceneDescription
from dexgen_app.render.transforms import look_at, orthographic

_SHADOW_SIZE = 640
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
    """Renders a scene off-screen.

    All methods must be called from the thread that draws; ``close`` frees what it holds.

    Poses are in a z-up world. A part whose pose holds NaN is not drawn.

    Raises:
        GraphicsError: OpenGL 3.3 is not available.
    """

    def __init__(self, theme: Theme = "dark") -> None:
        self._context = shared_context()
        self.software = is_software(self._context)
        self.palette: Palette = PALETTES[theme]
        self.floor_height = -0.15
        with self._context:
            self._links = Links(self._context)
            self._backdrop = Backdrop(self._context)
            self._markers = Markers(self._context)
            self._spare = Target(self._context, (1, 1), 0)
            self._shadow_map = self._context.depth_texture((_SHADOW_SIZE, _SHADOW_SIZE))
            self._shadow_map.compare_func = "<="
            self._shadow_map.filter = (moderngl.LINEAR, moderngl.LINEAR)
            self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
            self._shadow_frame = self._context.framebuffer(depth_attachment=self._shadow_map)
        self._scene: SceneDescription | None = None
        self._targets: dict[tuple[int, int, int], Target] = {}
        self._pending: Target | None = None
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
        with self._context:
            self._links.load(scene)
        self._scene = scene
        self._radii = np.array([part.radius for part in scene.parts])
        self._highlight = -1
        self._ghost = None
        self.set_poses(scene.rest)
        self.set_colors(None)

    def set_poses(self, poses: np.ndarray) -> None:
        """Place the parts: position [m] and quaternion wxyz in the world, shape (parts, 7)."""
        assert self._scene is not None, "set_scene comes first"
        self._poses = np.array(poses, dtype=float).reshape(len(self._scene.parts), 7)

    def set_colors(self, tints: np.ndarray | None) -> None:
        """Tint the parts: red, green, blue (sRGB) and strength 0 to 1, shape (parts, 4)."""
        assert self._scene is not None, "set_scene comes first"
        self._tints = np.zeros((len(self._scene.parts), 4)) if tints is None else np.array(tints)

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
        names = self._scene.names if self._scene is not None else ()
        self._highlight = names.index(name) if name in names else -1

    def set_contacts(self, contacts: np.ndarray, metres_per_newton: float = 0.01) -> None:
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
                self._shadow_frame.use()
                self._shadow_frame.clear(depth=1.0)
                self._links.draw_shadows(light)
                self._shadow_map.use(0)
                self._backdrop.bake_shadow(uniforms)
            target = self._target((width, height), quality.samples)
            target.frame.use()
            target.frame.clear(depth=1.0)
            self._backdrop.draw(target, uniforms, (view.tobytes(), self.floor_height, self.palette))
            if self._scene is not None:
                if quality.shadows and camera.eye[2] > self.floor_height:
                    self._backdrop.draw_shadow(uniforms)
                self._links.draw(uniforms, shadows=quality.shadows)
                if self._ghost is not None and (self._ghost_opacity > 0.0).any():
                    self._links.draw_ghost(uniforms)
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
            self._spare.frame.use()
            self._spare.frame.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
            self._links.draw_identity(view)
            link = int(self._spare.read(3)[0, 0, 0]) - 1
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
        self._links.place(self._poses, self._tints)
        if self._ghost is not None:
            self._links.place_ghost(self._ghost, self._ghost_opacity)

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
            "corners": floor_corners(light, self.floor_height),
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

    def close(self) -> None:
        """Free what this renderer holds; the context stays for the others. May be called twice."""
        parts, self._pending, self._scene = self._targets, None, None
        with self._context:
            self._context.finish()
            for owner in (self._links, self._backdrop, self._markers):
                owner.release()
            free([parts, self._spare, self._shadow_frame, self._shadow_map])
        parts.clear()
