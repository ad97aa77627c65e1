"""Speed of both engines on the grasp scene, and the physics acceptance figures.

    python benchmarks/bench_sim.py [--hand allegro] [--environments 1 64 256] [--seconds 3]
    python benchmarks/bench_sim.py --physics

Speed is given per second of processor time, so that other load changes it little.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from dexgen_app.plugins import PluginRegistry
from dexgen_app.sim.acceptance import (
    PINCHED,
    find_pinch,
    measure_creep,
    measure_pinch,
    measure_slide,
    move_randomly,
)
from dexgen_app.sim.grasps import find_grasps
from dexgen_app.sim.world import Engine, WorldOptions, make_world
from dexgen_app.spec import HandSpec, ObjectSpec

ENGINES: tuple[Engine, ...] = ("genesis", "mujoco")
CUBE = ObjectSpec()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hand", default="allegro", help="hand id or alias")
    parser.add_argument("--environments", type=int, nargs="+", default=[1, 64, 256])
    parser.add_argument("--seconds", type=float, default=3.0, help="processor time a cell")
    parser.add_argument("--physics", action="store_true", help="acceptance figures, not speed")
    arguments = parser.parse_args()
    hand = PluginRegistry.load().find_hand(arguments.hand)
    if arguments.physics:
        print_physics(hand)
    else:
        print_speed(hand, arguments.environments, arguments.seconds)


def print_speed(hand: HandSpec, counts: list[int], seconds: float) -> None:
    print("steps of 10 ms with a held cube and moving targets, per second of processor time\n")
    print("| environments | Genesis | MuJoCo | Genesis / MuJoCo |\n| --- | --- | --- | --- |")
    for n in counts:
        rates = [measure_speed(engine, hand, n, seconds) for engine in ENGINES]
        print(
            f"| {n} | {rates[0]:,.0f} | {rates[1]:,.0f} | {rates[0] / rates[1]:.2f} |", flush=True
        )


def measure_speed(engine: Engine, hand: HandSpec, n: int, seconds: float) -> float:
    """Return environment steps per second of processor time."""
    grasps = find_grasps(hand, CUBE, 64)
    world = make_world(engine, WorldOptions(hand=hand, objects=(CUBE,), environments=n))
    rows = np.arange(n) % len(grasps)
    joints, pose, targets = (
        torch.from_numpy(part[rows]) for part in (grasps.joints, grasps.object_pose, grasps.targets)
    )
    generator = torch.Generator().manual_seed(0)

    def turn() -> None:
        noise = 2.0 * torch.rand(targets.shape, generator=generator) - 1.0
        world.set_targets(targets + 0.06 * noise)
        world.step(5)

    world.reset(joints, pose, targets)
    for _ in range(4):
        turn()
    turns, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        turn()
        turns += 1
    rate = 5 * turns * n / (time.process_time() - begin)
    world.close()
    return rate


def print_physics(hand: HandSpec) -> None:
    print("| measure | limit | Genesis | MuJoCo |\n| --- | --- | --- | --- |")
    columns = [measure_physics(engine, hand) for engine in ENGINES]
    for name, limit in (
        ("64 grasps, 10 s: still held", "64"),
        ("64 grasps, 10 s: creep, median", "1 mm"),
        ("64 grasps, 10 s: creep, 90 %", "-"),
        ("pinch of a 3 cm cube, six gravities: largest creep", "1 mm/s"),
        ("random motion, 4 x 60 s: all finite", "yes"),
        ("random motion: largest violation of a joint limit", "-"),
        ("slide, friction 0.3, from 1 m/s", "10 % apart"),
        ("slide, friction 1.0, from 2 m/s", "10 % apart"),
        ("slide, friction 0.3, 0.5 rad downhill, 1 s", "10 % apart"),
    ):
        print(f"| {name} | {limit} | {columns[0][name]} | {columns[1][name]} |")


def measure_physics(engine: Engine, hand: HandSpec) -> dict[str, str]:
    """Return the acceptance figures of an engine as text."""
    world = make_world(engine, WorldOptions(hand=hand, objects=(CUBE,), environments=64))
    creep = measure_creep(world, find_grasps(hand, CUBE, 64))
    world.close()
    world = make_world(engine, WorldOptions(hand=hand, objects=(PINCHED,), environments=6))
    pinch = measure_pinch(world, find_pinch(hand))
    world.close()
    world = make_world(engine, WorldOptions(hand=hand, objects=(CUBE,), environments=4))
    finite, violation = move_randomly(world)
    world.close()
    worst = 1000.0 * (pinch.distance / pinch.seconds).max() if pinch.held.all() else np.inf
    return {
        "64 grasps, 10 s: still held": f"{int(creep.held.sum())}",
        "64 grasps, 10 s: creep, median": f"{1000.0 * np.median(creep.distance):.2f} mm",
        "64 grasps, 10 s: creep, 90 %": f"{1000.0 * np.percentile(creep.distance, 90):.2f} mm",
        "pinch of a 3 cm cube, six gravities: largest creep": f"{worst:.2f} mm/s",
        "random motion, 4 x 60 s: all finite": "yes" if finite else "no",
        "random motion: largest violation of a joint limit": f"{violation:.3f} rad",
        "slide, friction 0.3, from 1 m/s": f"{1000.0 * measure_slide(engine, 0.3, 1.0):.1f} mm",
        "slide, friction 1.0, from 2 m/s": f"{1000.0 * measure_slide(engine, 1.0, 2.0):.1f} mm",
        "slide, friction 0.3, 0.5 rad downhill, 1 s": (
            f"{1000.0 * measure_slide(engine, 0.3, 0.0, 0.5):.1f} mm"
        ),
    }


if __name__ == "__main__":
    main()
