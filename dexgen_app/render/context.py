"""The OpenGL context that pictures are drawn in, its programs and its picture buffers."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from importlib.resources import files
from pathlib import Path
from typing import Any

import moderngl
import numpy as np

from dexgen_app.errors import DexgenError

_DRAWING_NICENESS = 5
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software")


class GraphicsError(DexgenError):
    """OpenGL 3.3 is not available."""


_shared: tuple[moderngl.Context, int] | None = None


def shared_context() -> moderngl.Context:
    """Return the process's one context, made at the first call and freed when Python ends.

    Only the thread that asked first may draw: nothing is ever freed by the garbage collector, or
    by another thread.

    Raises:
        GraphicsError: No OpenGL 3.3 is available, or another thread owns the context.
    """
    global _shared
    if _shared is None:
        _shared = (create_context(), threading.get_ident())
        atexit.register(_free_shared)
    context, owner = _shared
    if owner != threading.get_ident():
        raise GraphicsError(
            "pictures are drawn in another thread of this process",
            where="3D view",
            remedy="Draw in that thread, or in a process of its own",
        )
    return context


def _free_shared() -> None:
    global _shared
    if _shared is not None and _shared[1] == threading.get_ident():
        (context, _), _shared = _shared, None
        context.release()


def free(things: object) -> None:
    """Release OpenGL objects, also those in lists, tuples and dictionaries, any number of times."""
    if isinstance(things, _OBJECTS):
        things.release()
    elif isinstance(things, dict):
        free(list(things.values()))
    elif isinstance(things, (list, tuple)):
        for thing in things:
            free(thing)


def create_context() -> moderngl.Context:
    """Create an OpenGL context without a window; on Linux through EGL, with or without a screen.

    Raises:
        GraphicsError: No OpenGL 3.3 is available.
    """
    linux = sys.platform.startswith("linux")
    backends: list[dict[str, Any]] = [{"backend": "egl"}, {}] if linux else [{}]
    reason = ""
    for options in backends:
        try:
            context = moderngl.create_context(require=330, standalone=True, **options)
            _yield_to_loop()
            return context
        except Exception as error:  # the backends raise plain Exception
            reason = reason or str(error)
    raise GraphicsError(
        f"OpenGL 3.3 is not available ({reason})",
        where="3D view",
        remedy="Install libegl1 and libgl1 (software drawing is enough); "
        "`dexgen-app doctor` tells more",
    )


def _yield_to_loop() -> None:
    """Let Mesa's drawing threads run after everything else, such as the loop that drives a hand."""
    niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + _DRAWING_NICENESS, 19)
    for task in Path("/proc/self/task").glob("*"):
        try:
            if (task / "comm").read_text().startswith("llvmpipe"):
                os.setpriority(os.PRIO_PROCESS, int(task.name), niceness)
        except OSError:
            continue


def is_software(context: moderngl.Context) -> bool:
    """Return whether the context draws without a GPU."""
    name = str(context.info["GL_RENDERER"]).lower()
    return any(word in name for word in _SOFTWARE)


def load_program(
    context: moderngl.Context, vertex: str, fragment: str, *, define: str = ""
) -> moderngl.Program:
    """Compile two files of the folder ``shaders``; ``#include NAME`` lines are filled in.

    Args:
        context: The context.
        vertex: File of the vertex shader.
        fragment: File of the fragment shader.
        define: A word that ``#ifdef`` finds in both files.
    """
    head = "#version 330 core\n" + (f"#define {define}\n" if define else "")
    return context.program(
        vertex_shader=head + _expanded(vertex), fragment_shader=head + _expanded(fragment)
    )


def _expanded(name: str) -> str:
    lines = []
    text = (files("dexgen_app.render") / "shaders" / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        lines.append(_expanded(line.split()[1]) if line.startswith("#include ") else line)
    return "\n".join(lines)


def set_uniforms(program: moderngl.Program, values: dict[str, object]) -> None:
    """Set those uniforms that the program has; matrices are transposed to GL's order."""
    for name, value in values.items():
        if name in program:
            if isinstance(value, np.ndarray) and value.shape == (4, 4):
                program[name].write(np.ascontiguousarray(value.T, np.float32))  # type: ignore[union-attr]
            elif isinstance(value, np.ndarray) and value.ndim == 2:
                program[name].write(np.ascontiguousarray(value, np.float32))  # type: ignore[union-attr]
            elif isinstance(value, np.ndarray):
                program[name].value = tuple(float(x) for x in value)  # type: ignore[union-attr]
            else:
                program[name].value = value  # type: ignore[union-attr]


class Target:
    """A picture buffer with depth; several samples a pixel are merged when it is read."""

    def __init__(self, context: moderngl.Context, size: tuple[int, int], samples: int) -> None:
        self.size, self.samples = size, samples
        self._context = context
        self._parts: list[moderngl.Renderbuffer | moderngl.Texture] = [
            context.renderbuffer(size, 4, samples=samples),
            context.depth_renderbuffer(size, samples=samples),
        ]
        self.frame = context.framebuffer([self._parts[0]], self._parts[1])
        self._plain = self.frame
        if samples:
            self._parts.append(context.renderbuffer(size, 4))
            self._plain = context.framebuffer([self._parts[2]])

    def read(self, components: int = 3) -> np.ndarray:
        """Return the picture, shape (height, width, components), uint8, first row first."""
        if self._plain is not self.frame:
            self._context.copy_framebuffer(self._plain, self.frame)
        data = np.empty((self.size[1], self.size[0], components), np.uint8)
        self._plain.read_into(data, components=components, alignment=1)
        return data

    def release(self) -> None:
        """Free the buffers."""
        free([self._plain, self.frame, self._parts])


_OBJECTS = (
    moderngl.Buffer,
    moderngl.Framebuffer,
    moderngl.Program,
    moderngl.Renderbuffer,
    moderngl.Texture,
    moderngl.VertexArray,
    Target,
)
