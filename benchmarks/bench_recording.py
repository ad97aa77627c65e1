"""Speed and size of recordings: rows a second written, bytes a minute, time to open.

Run: ``python benchmarks/bench_recording.py [--minutes 10] [--joints 16]``
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from dexgen_app.live.protocol import SessionConfig
from dexgen_app.live.row import row_dtype
from dexgen_app.recording.codec import empty_rows, to_plain
from dexgen_app.recording.playback import Playback
from dexgen_app.recording.reader import Recording
from dexgen_app.recording.schema import Session
from dexgen_app.recording.writer import RecordingWriter

RATE_HZ = 60
ROWS_PER_CHUNK = 18  # what the recorder writes in 0.3 s


def make_rows(count: int, joints: int, seed: int = 0) -> np.ndarray:
    """Return rows of a busy session: 21 tracked landmarks, noise on every measurement."""
    rng = np.random.default_rng(seed)
    rows = empty_rows(count, row_dtype(joints))
    index = np.arange(count)
    rows["sequence"] = rows["tick"] = rows["sample_sequence"] = index
    rows["stamp_ns"] = 10**12 + index * (10**9 // RATE_HZ) + rng.integers(0, 200_000, count)
    rows["sample_born_ns"] = rows["stamp_ns"] - 5_000_000
    rows["input_kind"] = 1
    phase = index[:, None] / RATE_HZ + np.arange(joints)
    noise = rng.normal(0.0, 1e-3, (4, count, joints))
    for name, offset in zip(("command", "controller", "target", "position"), noise):
        rows[name] = 0.5 * np.sin(phase) + offset
    rows["velocity"] = rng.normal(0.0, 1.0, (count, joints))
    rows["effort"] = rng.normal(0.0, 0.1, (count, joints))
    rows["raw_points"][:, :21, :3] = rng.normal(0.0, 0.05, (count, 21, 3))
    rows["object_pose"] = rng.normal(0.0, 0.1, (count, 7))
    rows["gravity"] = (-1.0, 0.0, 0.0)
    rows["contact_count"] = 5
    rows["contacts"][:, :5] = rng.normal(0.0, 0.1, (count, 5, 6))
    rows["latency_ns"] = rng.integers(0, 20_000_000, (count, rows["latency_ns"].shape[1]))
    rows["period_ns"] = rows["work_ns"] = 16_000_000
    return rows


def measure(minutes: float, joints: int, folder: Path) -> dict[str, float]:
    """Write and read a recording; return what it cost, by name with the unit."""
    rows = make_rows(round(minutes * 60 * RATE_HZ), joints)
    hand = {"id": "bench", "joint_names": [f"joint{index}" for index in range(joints)]}
    path = folder / "bench.mcap"
    writer = RecordingWriter(path, Session.now(hand, to_plain(SessionConfig())))
    begin = time.perf_counter(), time.process_time()
    for start in range(0, len(rows), ROWS_PER_CHUNK):
        writer.write_rows(rows[start : start + ROWS_PER_CHUNK])
        writer.flush()
    writer.close()
    write_wall, write_cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
    begin = time.perf_counter(), time.process_time()
    recording = Recording.open(path)
    open_wall, open_cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
    assert len(recording.rows) == len(rows)
    begin_playback = time.perf_counter()
    Playback(recording)
    return {
        "rows": len(rows),
        "written rows/s (wall, synced)": len(rows) / write_wall,
        "written rows/s (cpu)": len(rows) / write_cpu,
        "cpu share while recording [%]": 100 * RATE_HZ * write_cpu / len(rows),
        "file size [MB/min]": path.stat().st_size / 1e6 / minutes,
        "open [s] (wall)": open_wall,
        "open [s] (cpu)": open_cpu,
        "make a playback [s]": time.perf_counter() - begin_playback,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--joints", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(args.minutes, args.joints, Path(folder))
    if args.json:
        print(json.dumps(results, indent=2))
        return
    for name, value in results.items():
        print(f"{name:32} {value:12.2f}")


if __name__ == "__main__":
    main()
