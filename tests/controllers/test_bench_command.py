"""The benchmark's command: cells side by side in processes, kept in a folder, continued."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from dexgen_app.__main__ import main
from dexgen_app.errors import InputError
from dexgen_controller_dexgen.benchmark import Cell
from dexgen_controller_dexgen.benchmark_folder import BenchmarkFolder, read_cells
from dexgen_controller_dexgen.commands import bench
from dexgen_controller_dexgen.commands.bench_cells import CellTask, CellWorker
from tests.recording.recording_samples import wait_until

WEIGHTS = Path(__file__).parents[2] / "skills/dexgen_skill_anygrasp/weights"
BENCH = ["bench", "controller", "--expert", str(WEIGHTS / "allegro_right.safetensors")]
BENCH += ["--engine", "mujoco", "--environments", "2", "--seconds", "3", "--steps", "2"]
BENCH += ["--corruption", "add1.5", "--guidance", "300"]


def cell(seed: int, controller: str = "raw", drops: int = 3) -> Cell:
    return Cell(
        commander="add1.5",
        controller=controller,
        strength=0.0,
        seconds=60.0,
        drops=drops,
        goals=7,
        cosine=0.5,
        seeds=(seed,),
        hands=2,
        goals_variance=1.5,
    )


def test_all_cells_of_a_seed_begin_alike(grasps: None) -> None:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    worker = CellWorker(parser.parse_args(BENCH[1:], Namespace(safe_mode=True, disable=[])))
    one, other = (worker.measure(CellTask(0, "add1.5", None)) for _ in range(2))
    worker.close()
    assert one == other


@pytest.mark.slow
def test_processes_measure_what_one_measures_and_seeds_are_added(
    grasps: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert main([*BENCH, "--seed", "0", "--processes", "1", "--out", str(one)]) == 0
    assert main([*BENCH, "--seed", "0", "1", "--processes", "2", "--out", str(two)]) == 0
    capsys.readouterr()
    assert main([*BENCH, "--seed", "0", "1", "--processes", "1", "--out", str(one)]) == 0
    told = capsys.readouterr().out
    assert "2 of 4 cells were measured before" in told and "| seed 1: s, goals/min |" in told
    alone, together = (json.loads((p / "cells.json").read_text()) for p in (one, two))
    assert alone["by_seed"] == together["by_seed"] and len(alone["by_seed"]) == 4
    assert alone["cells"] == together["cells"] and len(alone["cells"]) == 2
    for name in ("table.md", "sweep.png"):
        assert (one / name).stat().st_size > 500
    assert main([*BENCH, "--seconds", "4", "--out", str(one)]) == 2
    told = capsys.readouterr().err
    assert f"{one}: the cells in this folder are not comparable: seconds differ" in told


@pytest.mark.slow
def test_a_benchmark_that_is_killed_leaves_no_process_and_goes_on(
    grasps: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    # Cells of a second each: the kill must fall between the first and the last of them.
    words = [*BENCH, "--seconds", "60", "--seed", "0", "1", "2", "3", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "dexgen_app", *words], start_new_session=True, stdout=-1
    )
    try:
        wait_until((out / "cells.json").exists, timeout_s=120.0)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        # The workers hold the other end of this pipe.
        assert process.stdout is not None
        process.stdout.read()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    before = (out / "cells.json").read_text()
    kept = json.loads(before)["by_seed"]
    assert 0 < len(kept) < 8
    assert main(words) == 0
    assert f"{len(kept)} of 8 cells were measured before" in capsys.readouterr().out
    after = json.loads((out / "cells.json").read_text())["by_seed"]
    assert after[: len(kept)] == kept and len(after) == 8


def test_cells_are_kept_as_they_come(tmp_path: Path) -> None:
    folder = BenchmarkFolder(tmp_path, {"seconds": 60.0})
    folder.add(cell(0), "bench")
    folder.add(cell(1, drops=0), "bench")
    assert BenchmarkFolder(tmp_path, {"seconds": 60.0}).cells == [cell(0), cell(1, drops=0)]
    (pooled,) = read_cells(tmp_path)
    assert (pooled.drops, pooled.seeds, pooled.goals_variance) == (3, (0, 1), 3.0)
    with pytest.raises(InputError, match="not comparable: seconds, expert differ"):
        BenchmarkFolder(tmp_path, {"seconds": 50.0, "expert": "other"})


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": []}', '{"cells": [{}], "by_seed": []}'])
def test_a_damaged_file_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "cells.json").write_text(text)
    with pytest.raises(InputError, match="this is no benchmark's file, or it is damaged"):
        BenchmarkFolder(tmp_path, {})
    with pytest.raises(InputError, match="damaged"):
        read_cells(tmp_path)
