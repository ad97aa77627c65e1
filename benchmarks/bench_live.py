"""The live session's figures against their targets: ``make bench-live``.

Run: python benchmarks/bench_live.py [--clip CLIP.npy] [--seconds 20] [--engine genesis] [--json F]

Run it on a quiet machine: every figure but the memory is a time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dexgen_app.live import protocol as p
from dexgen_app.live.client import LiveSession
from dexgen_app.live.latency import SessionStatistics
from dexgen_app.live.row import STAGES, SessionState
from dexgen_app.live.safety import SafetyConfig

REPOSITORY = Path(__file__).resolve().parents[1]
DEFAULT_CLIP = REPOSITORY.parent / "shared" / "data" / "human_hand_landmarks.npy"
VIEW_SIZE = (900, 700)
VIEW_FRAMES = 90
STOP_PRESSES = 5


@dataclass(frozen=True)
class Result:
    """A line of the table; ``good`` is None if nothing could be measured."""

    what: str
    value: str
    target: str
    good: bool | None


class Driver:
    """A session, and the person who looks after it."""

    def __init__(self, config: p.SessionConfig) -> None:
        self.session = LiveSession(config)
        self.session.start()
        self.session.send(p.Connect())
        self.wait(SessionState.CONNECTED)
        self.session.send(p.Arm())
        self.wait(SessionState.ACTIVE)

    def wait(self, state: SessionState, seconds: float = 600.0) -> None:
        """Wait until the session is in ``state``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            row = self.session.ring.latest()
            if row is not None and row["state"] == state:
                return
            time.sleep(0.01)
        raise SystemExit(f"the session did not become {state.name}")

    def look(self) -> None:
        """Show a sign of life and read the events."""
        self.session.heartbeat()
        for event in self.session.poll_events():
            if isinstance(event, p.Failure):
                raise SystemExit(f"{event.where}: {event.what}. {event.remedy}")

    def collect(self, seconds: float) -> np.ndarray:
        """Return the rows of the next ``seconds``."""
        parts, last = [], self.session.ring.head
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            rows, _ = self.session.ring.read_since(last)
            if len(rows):
                parts.append(rows)
                last = int(rows["sequence"][-1])
            time.sleep(0.05)
        return np.concatenate(parts)


def loop_rows(report: dict[str, Any], title: str) -> list[Result]:
    """Rate, real-time factor and late ticks of a report."""
    factor, late = report["real_time_factor"], report["late_percent"]
    rate = report["rate_hz"]
    return [
        Result(f"{title}: rate", f"{rate:.2f} Hz", "60 Hz", 59.4 <= rate <= 60.6),
        Result(f"{title}: real-time factor", f"{factor:.3f}", "1.0", factor >= 0.995),
        Result(f"{title}: late ticks", f"{late:.2f} %", "1 %", late < 1.0),
    ]


def latency_rows(report: dict[str, Any]) -> list[Result]:
    """Latencies of a report."""
    total = report["latency_ms"]["total"]
    retarget = report["latency_ms"]["retarget"]["p95"]
    return [
        Result(
            "device sample to hand command, p50 / p95",
            f"{total['p50']:.1f} / {total['p95']:.1f} ms",
            "10 / 25 ms",
            total["p50"] <= 10.0 and total["p95"] <= 25.0,
        ),
        Result("retargeting, p95", f"{retarget:.2f} ms", "1 ms", retarget <= 1.0),
        *(
            Result(f"  {stage}, p95", f"{report['latency_ms'][stage]['p95']:.2f} ms", "", None)
            for stage in STAGES[2:5]
        ),
    ]


def commanded_moves(rows: np.ndarray) -> np.ndarray:
    """Return which rows but the first command another target than the row before.

    What the filter never lets through is the simulator's, which puts a dropped object back.
    """
    steps = np.abs(np.diff(rows["target"], axis=0)).max(axis=1)
    return (steps > 0.0) & (steps <= SafetyConfig().max_step)


def stop_ticks(driver: Driver) -> int:
    """Press STOP in motion a few times; return the most ticks until no motion is commanded."""
    session, worst = driver.session, 0
    for press in range(STOP_PRESSES):
        if press:
            session.send(p.ResetStop())
            driver.wait(SessionState.CONNECTED)
            session.send(p.Arm())
            driver.wait(SessionState.ACTIVE)
        begun = session.ring.head
        driver.collect(1.5 + 0.11 * press)
        session.stop_now()
        pressed = session.ring.head
        driver.collect(0.5)
        rows, _ = session.ring.read_since(begun)
        moving = commanded_moves(rows)
        after = rows["sequence"][1:] > pressed
        if not moving[~after][-30:].any():
            raise SystemExit("the hand did not move when STOP was pressed: use a device that moves")
        if rows["state"][-1] != SessionState.STOPPED:
            raise SystemExit("STOP did not stop the session")
        worst = max(worst, int(np.flatnonzero(moving[after]).max(initial=-1)) + 2)
    return worst


def freeze(driver: Driver, seconds: float = 3.0) -> tuple[int, bool]:
    """Do what a frozen window does; return late ticks meanwhile, and whether the hand held."""
    before = driver.session.ring.latest()
    time.sleep(seconds)
    after = driver.session.ring.latest()
    assert before is not None and after is not None
    rows, _ = driver.session.ring.read_since(int(before["sequence"]))
    moving = commanded_moves(rows[len(rows) // 2 :])
    return int(after["late"] - before["late"]), not bool(moving.any())


def measure_loop(config: p.SessionConfig, seconds: float) -> list[Result]:
    """Measure a session without a window."""
    driver = Driver(config)
    try:
        driver.collect(2.0)
        statistics = SessionStatistics()
        statistics.add(driver.collect(seconds))
        report = statistics.report()
        late, held = freeze(driver)
        driver.collect(1.0)
        ticks = stop_ticks(driver)
    finally:
        driver.session.close(10.0)
    return [
        *loop_rows(report, "live loop, no window"),
        *latency_rows(report),
        Result("STOP to zero motion command", f"{ticks} tick(s)", "1 tick", ticks <= 1),
        Result("window frozen for 3 s: late ticks", f"{late}", "0", late == 0),
        Result("window frozen for 3 s: the hand holds", "yes" if held else "no", "yes", held),
    ]


def proportional_memory(root: int) -> float:
    """Return the memory of a process and its descendants [MB], shared pages counted once."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    total, todo = 0, [root]
    while todo:
        process = todo.pop()
        todo += children.get(process, [])
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024.0


def measure_window(engine: str, device: str, seconds: float) -> list[Result]:
    """Measure a session with the window open, drawn offscreen."""
    peak = 0.0
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "dexgen_app", "run", "--offscreen", "--out", folder]
        command += ["--seconds", str(seconds), "--engine", engine, "--device", device]
        log = Path(folder) / "log"
        with log.open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            while process.poll() is None:
                peak = max(peak, proportional_memory(process.pid))
                time.sleep(0.5)
        try:
            report = json.loads((Path(folder) / "report.json").read_text())
        except FileNotFoundError:
            print(log.read_text()[-2000:], file=sys.stderr)
            return [Result("window", "it did not run", "", False)]
    return [
        *loop_rows(report, "live loop, window open"),
        Result("memory, whole app", f"{peak:.0f} MB", "2000 MB", peak < 2000.0),
    ]


def measure_retargeting(hand: str, clip: Path) -> list[Result]:
    """Retarget the whole clip without a session; see ``bench_retarget.py``."""
    from bench_retarget import measure

    from dexgen_app.plugins import PluginRegistry

    figures: Any = measure(PluginRegistry.load().find_hand(hand), np.load(clip), repeat=2)
    violations = int(figures["limit_violations"])
    gap = float(max(figures["pinch_gap_max_mm"].values()))
    time_ms = float(figures["p95_ms"])
    return [
        Result("retargeting alone, p95", f"{time_ms:.2f} ms", "1 ms", time_ms <= 1.0),
        Result("joint limits violated on the clip", f"{violations}", "0", violations == 0),
        Result("tip gap while the human pinches", f"{gap:.1f} mm", "3 mm", gap < 3.0),
    ]


def measure_view(hand: str) -> Result:
    """Draw the hand, a cube and the ghost with every joint moving."""
    from dexgen_app.kinematics.model import HandModel
    from dexgen_app.plugins import PluginRegistry
    from dexgen_app.render.renderer import SceneRenderer
    from dexgen_app.render.stage import Stage
    from dexgen_app.spec import ObjectSpec

    spec = PluginRegistry.load().find_hand(hand)
    stage, renderer = Stage(HandModel(spec), ObjectSpec()), SceneRenderer()
    camera = stage.camera("iso", VIEW_SIZE[0] / VIEW_SIZE[1])
    grasp = np.array(spec.grasp)
    for frame in range(-5, VIEW_FRAMES):
        if frame == 0:
            begun, spent = time.monotonic(), time.process_time()
        q = grasp - 0.1 + 0.1 * np.sin(0.1 * frame)
        stage.show_joints(q, q + 0.15)
        stage.apply(renderer)
        renderer.render(camera, VIEW_SIZE, components=4)
    fps = VIEW_FRAMES / (time.monotonic() - begun)
    cost_ms = (time.process_time() - spent) / VIEW_FRAMES * 1e3
    name = renderer.name
    renderer.close()
    what = f"3D view at {VIEW_SIZE[0]}x{VIEW_SIZE[1]} ({name})"
    value = f"{fps:.1f} fps, {cost_ms:.0f} ms of processor time a frame"
    return Result(what, value, "25 fps", fps >= 25.0)


def print_table(results: list[Result]) -> None:
    """Print the results as a Markdown table."""
    marks = {True: "ok", False: "miss", None: ""}
    print("| what | value | target | |\n| --- | --- | --- | --- |")
    for result in results:
        print(f"| {result.what} | {result.value} | {result.target} | {marks[result.good]} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clip", type=Path, default=DEFAULT_CLIP, help="landmarks (T, 21, 3)")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--engine", default="genesis", choices=("genesis", "mujoco"))
    parser.add_argument("--hand", default="allegro")
    parser.add_argument("--no-window", action="store_true", help="leave the window out")
    parser.add_argument("--json", type=Path, help="write the table here as well")
    options = parser.parse_args()
    # Not quite 30 Hz: the frames then come at every moment between two ticks, as a camera's do.
    device = f"replay:{options.clip},rate=29.7" if options.clip.is_file() else "script"
    if device == "script":
        print(f"no clip {options.clip}: the scripted device is used", file=sys.stderr)
    config = p.SessionConfig(
        hand=options.hand, engine=options.engine, device=device, hold_dead_man=True
    )
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load average {load:.1f}, engine {options.engine}, {device}")
    results = measure_loop(config, options.seconds)
    if not options.no_window:
        results += measure_window(options.engine, device, options.seconds)
    if options.clip.is_file():
        results += measure_retargeting(options.hand, options.clip)
    results.append(measure_view(options.hand))
    print_table(results)
    if options.json:
        options.json.write_text(json.dumps([vars(result) for result in results], indent=2) + "\n")
    return 0 if all(result.good is not False for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
