"""How fast the 3D view draws: Allegro, a cube and the commanded ghost at 900x700.

Run: python benchmarks/bench_view.py [--frames 60] [--size 900x700] [--hand allegro]
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np

from dexgen_app.kinematics.model import HandModel
from dexgen_app.plugins import PluginRegistry
from dexgen_app.render.renderer import Quality, SceneRenderer
from dexgen_app.render.stage import Stage
from dexgen_app.spec import ObjectSpec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--size", default="900x700")
    parser.add_argument("--hand", default="allegro")
    options = parser.parse_args()
    size = tuple(int(side) for side in options.size.split("x"))
    spec = PluginRegistry.load().find_hand(options.hand)

    start = time.perf_counter()
    stage = Stage(HandModel(spec), ObjectSpec())
    renderer = SceneRenderer()
    stage.apply(renderer)
    renderer.render(stage.camera("iso", size[0] / size[1]), size)
    first_ms = 1000 * (time.perf_counter() - start)
    print(f"{renderer.name}, {size[0]}x{size[1]}, {stage.scene.triangles} triangles")
    print(f"first picture after {first_ms:.0f} ms; load average {os.getloadavg()[0]:.1f}")
    print(f"{'variant':34s} {'fps':>6s} {'median ms':>10s} {'p95 ms':>8s} {'CPU ms':>8s}")
    variants = {
        "shadows + ghost": (Quality(), True, False),
        "shadows": (Quality(), False, False),
        "ghost": (Quality(shadows=False), True, False),
        "neither": (Quality(shadows=False), False, False),
        "shadows + ghost, camera moves": (Quality(), True, True),
        "half size while dragging": (Quality(shadows=False, scale=0.5), True, True),
        "still: 4 samples + shadows + ghost": (Quality(samples=4), True, False),
    }
    for title, (quality, ghost, moving) in variants.items():
        report(title, stage, renderer, size, options.frames, quality, ghost, moving)
    renderer.close()


def report(
    title: str,
    stage: Stage,
    renderer: SceneRenderer,
    size: tuple[int, int],
    frames: int,
    quality: Quality,
    ghost: bool,
    moving: bool,
) -> None:
    """Draw frames with every joint moving, and print one line."""
    grasp = np.array(stage.hand.spec.grasp)
    camera = stage.camera("iso", size[0] / size[1])
    times, cpu = [], time.process_time()
    for frame in range(frames):
        q = grasp - 0.1 + 0.1 * np.sin(0.1 * frame)
        stage.show_joints(q, q + 0.15 if ghost else None)
        start = time.perf_counter()
        stage.apply(renderer)
        if moving:
            camera = camera.orbit(0.02, 0.0)
        renderer.render(camera, size, quality, components=4)
        times.append(1000 * (time.perf_counter() - start))
    cpu = 1000 * (time.process_time() - cpu) / frames
    median, p95 = np.percentile(times, [50, 95])
    print(f"{title:34s} {1000 / np.mean(times):6.1f} {median:10.1f} {p95:8.1f} {cpu:8.1f}")


if __name__ == "__main__":
    main()
