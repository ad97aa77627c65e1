"""Contact arrows and trajectory lines."""

from __future__ import annotations

import moderngl
import numpy as np

from dexgen_app.render.context import free, load_program, set_uniforms
from dexgen_app.render.shapes import Mesh, arrow, ellipsoid

_BALL_RADIUS = 0.0022
_ARROW_WIDTH = 0.011
_LONGEST = 0.04


class Markers:
    """Draws contacts as balls with force arrows, and trajectories as fading lines."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._program = load_program(context, "marker.vert", "marker.frag")
        self._trace_program = load_program(context, "trace.vert", "trace.frag")
        self._instances = [context.buffer(reserve=44 * 32, dynamic=True) for _ in range(2)]
        self._mesh_buffers: list[moderngl.Buffer] = []
        meshes = (ellipsoid(np.ones(3), 14), arrow())
        self._shapes = [self._mesh(m, data) for m, data in zip(meshes, self._instances)]
        quad = np.array([0, -1, 1, -1, 0, 1, 1, 1], np.float32)
        self._quad = context.buffer(quad)
        self._segments = context.buffer(reserve=40 * 4096, dynamic=True)
        self._lines = context.vertex_array(
            self._trace_program,
            [
                (self._quad, "2f", "in_position"),
                (self._segments, "3f 3f 4f/i", "start", "end", "tint"),
            ],
        )
        self._contacts = 0
        self._segment_count = 0

    def _mesh(self, mesh: Mesh, instances: moderngl.Buffer) -> moderngl.VertexArray:
        data = np.column_stack([mesh.vertices, mesh.normals]).astype(np.float32)
        corners = self._context.buffer(data)
        faces = self._context.buffer(mesh.faces.astype(np.int32))
        self._mesh_buffers += [corners, faces]
        return self._context.vertex_array(
            self._program,
            [
                (corners, "3f 3f", "in_position", "in_normal"),
                (instances, "3f 3f 1f 4f/i", "at", "along", "width", "tint"),
            ],
            index_buffer=faces,
        )

    def release(self) -> None:
        """Free everything."""
        free(list(vars(self).values()))

    def set_contacts(
        self, contacts: np.ndarray, metres_per_newton: float, color: tuple[float, float, float]
    ) -> None:
        """Take up to 32 contacts: position [m] and force [N], shape (k, 6)."""
        contacts = np.asarray(contacts, dtype=float).reshape(-1, 6)
        contacts = contacts[np.isfinite(contacts).all(axis=1)][:32]
        self._contacts = count = len(contacts)
        data = np.zeros((2, 32, 11), np.float32)
        data[:, :count, :3] = contacts[:, :3]
        data[:, :, 7:10] = color
        data[:, :, 10] = 1.0
        data[0, :, 5] = data[0, :, 6] = _BALL_RADIUS
        force = contacts[:, 3:]
        length = np.linalg.norm(force, axis=1, keepdims=True) * metres_per_newton
        scale = metres_per_newton * np.minimum(1.0, _LONGEST / np.maximum(length, 1e-9))
        data[1, :count, 3:6] = force * scale
        data[1, :count, 6] = _ARROW_WIDTH * np.minimum(1.0, length[:, 0] / 0.008)
        for instances, rows in zip(self._instances, data):
            instances.write(rows)

    def set_traces(self, traces: list[np.ndarray], color: tuple[float, float, float]) -> None:
        """Take polylines [m], each of shape (k, 3); up to 4096 segments in all."""
        rows = []
        for trace in traces:
            points = np.asarray(trace, np.float32).reshape(-1, 3)
            steps = max(0, len(points) - 1)
            fade = np.linspace(0.0, 1.0, steps + 1)[1:, None] if steps else np.zeros((0, 1))
            rows.append(
                np.column_stack([points[:-1], points[1:], np.tile(color, (steps, 1)), fade])
            )
        data = np.concatenate(rows).astype(np.float32) if rows else np.zeros((0, 10), np.float32)
        data = np.ascontiguousarray(data[np.isfinite(data).all(axis=1)][-4096:])
        self._segment_count = len(data)
        if len(data):
            self._segments.write(data)

    def draw(self, uniforms: dict[str, object], size: tuple[int, int]) -> None:
        """Draw into the bound frame; what is hidden behind the hand shows faintly."""
        gl = self._context
        if self._contacts:
            set_uniforms(self._program, uniforms)
            gl.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE | moderngl.BLEND)
            gl.front_face, gl.cull_face = "cw", "back"
            for depth_func, fade in ((">", 0.35), ("<=", 1.0)):
                gl.depth_func = depth_func
                self._program["fade"].value = fade  # type: ignore[union-attr]
                for shape in self._shapes:
                    shape.render(instances=self._contacts)
        if self._segment_count:
            set_uniforms(self._trace_program, uniforms)
            self._trace_program["pixel"].value = (2.0 / size[0], 2.0 / size[1])  # type: ignore[union-attr]
            gl.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
            gl.depth_func = "<="
            self._lines.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=self._segment_count)
