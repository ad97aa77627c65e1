"""Slow or dangerous checks of ``dexgen-app doctor``: ``python -m dexgen_app.probes NAME`` runs one.

A broken graphics driver or simulator may hang or kill the process that tries it, so each one is
tried in a process of its own. A probe prints one JSON object; the key ``text`` is for the user.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def opengl() -> dict[str, Any]:
    """Draw into an off-screen EGL context and name the renderer."""
    import moderngl

    context = moderngl.create_standalone_context(backend="egl")  # type: ignore[arg-type]
    framebuffer = context.simple_framebuffer((4, 4))
    framebuffer.use()
    framebuffer.clear(1.0, 0.0, 0.0, 1.0)
    if framebuffer.read(components=3)[:3] != b"\xff\x00\x00":
        raise RuntimeError("the context draws the wrong colour")
    renderer, version = context.info["GL_RENDERER"], context.version_code
    software = any(word in renderer.lower() for word in ("llvmpipe", "softpipe", "swrast"))
    return {
        "text": f"{renderer}, OpenGL {version // 100}.{version % 100 // 10}",
        "renderer": renderer,
        "version": version,
        "software": software,
    }


def mujoco() -> dict[str, Any]:
    """Let a ball fall for a tenth of a second."""
    import mujoco

    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body><freejoint/><geom size='.1'/></body></worldbody></mujoco>"
    )
    data = mujoco.MjData(model)
    while data.time < 0.1:
        mujoco.mj_step(model, data)
    # Free fall: -g t^2 / 2 = -0.049 m.
    if not -0.055 < data.qpos[2] < -0.045:
        raise RuntimeError(f"a falling ball is at {data.qpos[2]} m after 0.1 s")
    return {"text": f"MuJoCo {mujoco.__version__}", "version": mujoco.__version__}


def genesis() -> dict[str, Any]:
    """Import and initialise Genesis."""
    from dexgen_app.sim.cache import import_genesis

    start = time.monotonic_ns()
    engine = import_genesis()
    seconds = (time.monotonic_ns() - start) * 1e-9
    return {
        "text": f"Genesis {engine.__version__}, started in {seconds:.1f} s",
        "version": engine.__version__,
        "seconds": round(seconds, 2),
    }


def gpu() -> dict[str, Any]:
    """Multiply two matrices on the GPU, if torch can use one."""
    import torch

    if not torch.cuda.is_available():
        return {"text": f"torch {torch.__version__} sees no GPU", "available": False}
    index = torch.cuda.current_device()
    matrix = torch.eye(64, device="cuda")
    if float((matrix @ matrix).sum()) != 64.0:
        raise RuntimeError("the GPU multiplies wrongly")
    memory = torch.cuda.get_device_properties(index).total_memory / 2**30
    name = torch.cuda.get_device_name(index)
    return {"text": f"{name}, {memory:.0f} GiB, torch {torch.__version__}", "available": True}


PROBES = {probe.__name__: probe for probe in (opengl, mujoco, genesis, gpu)}


def main() -> int:
    """Run the probe that the first argument names and print its result as the last line."""
    try:
        result = PROBES[sys.argv[1]]()
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}".partition("\n")[0]}
    print(json.dumps(result), flush=True)
    return 1 if "error" in result else 0


if __name__ == "__main__":
    sys.exit(main())
