"""All parts of a scene in one vertex buffer, drawn with one call."""

from __future__ import annotations

import moderngl
import numpy as np

from dexgen_app import paths
from dexgen_app.render.cache import cached_arrays
from dexgen_app.render.context import free, load_program, set_uniforms
from dexgen_app.render.openness import bake_openness
from dexgen_app.render.scene import SceneDescription
from dexgen_app.render.transforms import pose_matrices

MAX_PARTS = 128
"""Most parts of a scene; the shaders' uniform block holds so many matrices."""

_GHOST_SETBACK = 2e-4  # in depth, so that a measured surface wins over its ghost
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
_FULL = (
    "3f4 3f4 4f1 1u1 1f1 2x1",
    ("in_position", "in_normal", "in_color", "in_link", "in_openness"),
)
_SHAPED = ("3f4 3f4 4x1 1u1 3x1", ("in_position", "in_normal", "in_link"))
_BARE = ("3f4 12x1 4x1 1u1 3x1", ("in_position", "in_link"))


class Links:
    """Uploads a scene once and draws it in the poses given.

    Methods that draw need the context to be current and draw into the bound frame.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._programs = {
            "surface": (load_program(context, "surface.vert", "surface.frag"), _FULL),
            "shadowed": (
                load_program(context, "surface.vert", "surface.frag", define="SHADOWS"),
                _FULL,
            ),
            "ghost": (load_program(context, "ghost.vert", "ghost.frag"), _SHAPED),
            "depth": (load_program(context, "depth.vert", "depth.frag"), _BARE),
            "identity": (load_program(context, "depth.vert", "identity.frag"), _BARE),
        }
        for program, _ in self._programs.values():
            program["Links"].binding = 0  # type: ignore[union-attr]
        self._block = context.buffer(reserve=MAX_PARTS * 80, dynamic=True)
        self._ghost_block = context.buffer(reserve=MAX_PARTS * 80, dynamic=True)
        self._arrays: dict[str, moderngl.VertexArray] = {}
        self._buffers: list[moderngl.Buffer] = []
        self._hand_indices = 0

    def load(self, scene: SceneDescription) -> None:
        """Upload the parts, and darken the hand's vertices where it is hollow at rest."""
        parts = scene.parts
        starts = np.cumsum([0] + [len(part.mesh.vertices) for part in parts])
        data = np.zeros(starts[-1], _VERTEX)
        data["xyz"] = np.concatenate([part.mesh.vertices for part in parts])
        data["normal"] = np.concatenate([part.mesh.normals for part in parts])
        colors = np.concatenate([part.colors for part in parts])
        data["color"] = np.round(np.clip(colors, 0, 1) * 255)
        data["link"] = np.repeat(np.arange(len(parts)), np.diff(starts))
        data["open"] = 255
        faces = [part.mesh.faces + start for part, start in zip(parts, starts)]
        self._release()
        vertices = self._context.buffer(data)
        indices = self._context.buffer(np.concatenate(faces).astype(np.int32))
        self._buffers = [vertices, indices]
        for name, (program, (layout, names)) in self._programs.items():
            self._arrays[name] = self._context.vertex_array(
                program, [(vertices, layout, *names)], index_buffer=indices
            )
        self._hand_indices = sum(face.size for face in faces[: scene.hand_parts])
        if self._hand_indices:
            hand = data[: starts[scene.hand_parts]]
            hand["open"] = np.round(255 * self._openness(hand, scene.rest))
            vertices.write(data)

    def _openness(self, vertices: np.ndarray, rest: np.ndarray) -> np.ndarray:
        matrices = pose_matrices(rest)[vertices["link"]]
        turn = matrices[:, :3, :3]
        points = np.einsum("nij,nj->ni", turn, vertices["xyz"]) + matrices[:, :3, 3]
        normals = np.einsum("nij,nj->ni", turn, vertices["normal"])
        self.place(rest, np.zeros((len(rest), 4)))

        def draw(matrix: np.ndarray) -> None:
            self._prepare(front_face="ccw", cull_face="back")
            set_uniforms(self._programs["depth"][0], {"view_projection": matrix, "setback": 0.0})
            self._arrays["depth"].render(vertices=self._hand_indices)

        def compute() -> dict[str, np.ndarray]:
            self._block.bind_to_uniform_block(0)
            return {"openness": bake_openness(self._context, draw, points, normals)}

        folder = paths.cache_dir() / "openness"
        return cached_arrays(folder, (points, normals), compute)["openness"]

    def place(self, poses: np.ndarray, tints: np.ndarray) -> None:
        """Set the poses, shape (parts, 7), and tints, shape (parts, 4), of the solid parts."""
        self._block.write(_link_block(poses, tints))

    def place_ghost(self, poses: np.ndarray, opacity: np.ndarray) -> None:
        """Set the poses, shape (hand parts, 7), and opacities of the ghost."""
        tints = np.zeros((len(poses), 4))
        tints[:, 3] = opacity
        self._ghost_block.write(_link_block(poses, tints))

    def draw(self, uniforms: dict[str, object], *, shadows: bool) -> None:
        """Draw the solid parts."""
        name = "shadowed" if shadows else "surface"
        self._prepare(front_face="cw", cull_face="back")
        set_uniforms(self._programs[name][0], uniforms)
        self._block.bind_to_uniform_block(0)
        self._arrays[name].render()

    def draw_ghost(self, uniforms: dict[str, object]) -> None:
        """Draw the ghost: its depth first, so that only its nearest surface is blended."""
        self._prepare(front_face="cw", cull_face="back")
        self._context.enable(moderngl.BLEND)
        self._ghost_block.bind_to_uniform_block(0)
        for name in ("depth", "ghost"):
            set_uniforms(self._programs[name][0], {**uniforms, "setback": _GHOST_SETBACK})
            self._arrays[name].render(vertices=self._hand_indices)

    def draw_shadows(self, light: np.ndarray) -> None:
        """Draw the depth of the parts' far sides as a light sees them."""
        self._prepare(front_face="ccw", cull_face="front")
        self._draw_flat("depth", light)

    def draw_identity(self, view: np.ndarray) -> None:
        """Draw the number of each part, plus one, as its red."""
        self._prepare(front_face="cw", cull_face="back")
        self._draw_flat("identity", view)

    def _draw_flat(self, name: str, view: np.ndarray) -> None:
        set_uniforms(self._programs[name][0], {"view_projection": view, "setback": 0.0})
        self._block.bind_to_uniform_block(0)
        self._arrays[name].render()

    def _prepare(self, front_face: str, cull_face: str) -> None:
        gl = self._context
        gl.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        gl.front_face, gl.cull_face, gl.depth_func = front_face, cull_face, "<="
        gl.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA

    def release(self) -> None:
        """Free everything."""
        self._release()
        free([self._block, self._ghost_block, self._programs])

    def _release(self) -> None:
        free([self._arrays, self._buffers])
        self._arrays, self._buffers = {}, []


def _link_block(poses: np.ndarray, tints: np.ndarray) -> bytes:
    """Pack the shaders' ``Links`` block; hidden parts collapse to a point."""
    matrices = np.zeros((MAX_PARTS, 4, 4), np.float32)
    known = pose_matrices(np.nan_to_num(poses))
    known[~np.isfinite(poses).all(axis=1)] = 0.0
    matrices[: len(poses)] = np.swapaxes(known, 1, 2)
    colors = np.zeros((MAX_PARTS, 4), np.float32)
    colors[: len(tints)] = tints
    return matrices.tobytes() + colors.tobytes()
