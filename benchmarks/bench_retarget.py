"""Retargeting: time a frame, limit violations, tip errors and pinch gaps.

The clip is a recorded human hand, (T, 21, 3) in metres. It need not hold a pinch: four clips are
made of it in which the thumb's tip and each finger's tip meet, stay and part again.

Run: ``python benchmarks/bench_retarget.py [CLIP.npy] [--hand allegro] [--repeat 5]``
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from dexgen_app.kinematics.landmarks import FINGER_LANDMARKS
from dexgen_app.kinematics.retarget import Retargeter
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import HandSpec, InputKind, TeleopSample

CLIP = Path(__file__).resolve().parents[2] / "shared" / "data" / "human_hand_landmarks.npy"
RATE_HZ = 60
PINCH_HUMAN = 0.005
PINCH_FRAMES = 120


def run_clip(spec: HandSpec, clip: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Retarget a clip.

    Returns:
        Joints (T, J), wall and processor seconds a frame (T, 2) and tip errors (T, F) [m].
    """
    retargeter = Retargeter(spec, dt=1.0 / RATE_HZ)
    joints, spent, errors = [], [], []
    for sequence, frame in enumerate(clip):
        sample = TeleopSample(
            born_ns=0, sequence=sequence, kind=InputKind.LANDMARKS_21, values=frame
        )
        start = np.array([time.perf_counter(), time.thread_time()])
        q = retargeter.retarget(sample).position
        spent.append(np.array([time.perf_counter(), time.thread_time()]) - start)
        joints.append(q)
        errors.append(np.linalg.norm(retargeter.hand.tips(q) - retargeter.tip_targets, axis=1))
    return np.array(joints), np.array(spent), np.array(errors)


def make_pinch(base: np.ndarray, finger: str) -> np.ndarray:
    """Return a clip in which thumb and finger meet on straight lines, (PINCH_FRAMES, 21, 3)."""
    chains = (FINGER_LANDMARKS["thumb"], FINGER_LANDMARKS[finger])
    meeting = 0.4 * base[4] + 0.6 * base[chains[1][3]]
    clip = np.repeat(base[None].astype(float), PINCH_FRAMES, axis=0)
    for index, frame in enumerate(clip):
        amount = np.clip(1.5 * np.sin(np.pi * index / PINCH_FRAMES), 0.0, 1.0)
        for chain in chains:
            move = (meeting - base[chain[3]]) * amount
            for weight, landmark in zip((0.0, 0.35, 0.7, 1.0), chain):
                frame[landmark] += weight * move
    return clip


def robot_finger(spec: HandSpec, human: str) -> int:
    """Return the index of the robot finger that pinches for a human finger."""
    names = [finger.name for finger in spec.fingers]
    for name in (human, "ring", "middle", "index"):
        if name in names:
            return names.index(name)
    raise SystemExit(f"{spec.id} has no finger opposite the thumb")


def pinch_gaps(spec: HandSpec, clip: np.ndarray) -> dict[str, float]:
    """Return the widest robot gap [mm] while the human gap is under 5 mm, by human finger."""
    thumb = [finger.name for finger in spec.fingers].index("thumb")
    widest = {}
    for finger in ("index", "middle", "ring", "little"):
        gaps = []
        for base in clip[:: max(len(clip) // 5, 1)]:
            made = make_pinch(base, finger)
            human = np.linalg.norm(made[:, 4] - made[:, FINGER_LANDMARKS[finger][3]], axis=1)
            joints, _, _ = run_clip(spec, made)
            hand = Retargeter(spec).hand
            tips = np.array([hand.tips(q) for q in joints])
            robot = np.linalg.norm(tips[:, robot_finger(spec, finger)] - tips[:, thumb], axis=1)
            gaps.append(robot[human < PINCH_HUMAN].max())
        widest[finger] = 1e3 * float(max(gaps))
    return widest


def measure(spec: HandSpec, clip: np.ndarray, repeat: int) -> dict[str, object]:
    """Return all figures."""
    runs = [run_clip(spec, clip) for _ in range(repeat)]
    joints, _, errors = runs[0]
    milliseconds, cpu = 1e3 * np.concatenate([spent for _, spent, _ in runs]).T
    outside = (joints < spec.limits[0]) | (joints > spec.limits[1])
    speed = np.abs(np.diff(joints, axis=0)) * RATE_HZ
    return {
        "hand": spec.id,
        "frames": len(milliseconds),
        "p50_ms": float(np.percentile(milliseconds, 50)),
        "p95_ms": float(np.percentile(milliseconds, 95)),
        "p99_ms": float(np.percentile(milliseconds, 99)),
        "cpu_p50_ms": float(np.percentile(cpu, 50)),
        "cpu_p95_ms": float(np.percentile(cpu, 95)),
        "cpu_p99_ms": float(np.percentile(cpu, 99)),
        "limit_violations": int(outside.sum()),
        "peak_speed_rad_s": float(speed.max()),
        "tip_error_median_mm": {
            f.name: 1e3 * float(e) for f, e in zip(spec.fingers, np.median(errors, axis=0))
        },
        "pinch_gap_max_mm": pinch_gaps(spec, clip),
        "load_average": os.getloadavg()[0],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--hand", default="allegro")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.clip.exists():
        print(f"no clip {options.clip}: name a .npy file of shape (T, 21, 3)", file=sys.stderr)
        return 2
    spec = PluginRegistry.load().find_hand(options.hand)
    figures = measure(spec, np.load(options.clip), options.repeat)
    if options.json:
        print(json.dumps(figures, indent=2))
        return 0
    wall, cpu = (
        " / ".join(f"{figures[kind + key]:.2f}" for key in ("p50_ms", "p95_ms", "p99_ms"))
        for kind in ("", "cpu_")
    )
    errors = ", ".join(f"{k} {v:.1f}" for k, v in figures["tip_error_median_mm"].items())
    gaps = ", ".join(f"{k} {v:.2f}" for k, v in figures["pinch_gap_max_mm"].items())
    print(f"{spec.title}, {figures['frames']} frames, load average {figures['load_average']:.1f}")
    print(f"time a frame p50 / p95 / p99   {wall} ms (processor time {cpu})")
    print(f"joint limit violations         {figures['limit_violations']}")
    print(f"peak joint speed               {figures['peak_speed_rad_s']:.2f} rad/s")
    print(f"tip error, median              {errors} mm")
    print(f"widest gap while pinching      {gaps} mm")
    return 0


if __name__ == "__main__":
    sys.exit(main())
