from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QObject

from dexgen_app.errors import InputError
from dexgen_app.gui.background import Background
from dexgen_app.gui.garbage import GarbageCollector
from dexgen_app.gui.panels.train import TrainPanel
from dexgen_app.gui.runs import MAX_POINTS, Curves, is_alive, read_status
from dexgen_app.gui.training import Training, TrainRequest
from dexgen_app.gui.window import MainWindow
from dexgen_app.learn.grasp_set import grasp_path, save_grasps
from dexgen_app.learn.run_folder import RunFolder
from dexgen_app.spec import ObjectSpec
from dexgen_hand_allegro.spec import RIGHT
from tests.learn.conftest import make_grasp_set

DEAD = 2**22 - 3


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path))
    return tmp_path


def make_run(name: str, state: str = "running", pid: int = 0, rows: int = 30) -> RunFolder:
    folder = RunFolder.named(name)
    folder.create({"skill": "anygrasp", "steps": 1000})
    progress = {"state": state, "pid": pid or os.getpid(), "done": 250, "total": 1000}
    folder.write_json("progress.json", {**progress, "rate": 5.0, "seconds_left": 150.0})
    for i in range(rows):
        folder.append("metrics.jsonl", {"steps": 10 * (i + 1), "reward": float(i)})
    return folder


def test_curves_grow_with_their_file(home: Path) -> None:
    path = make_run("a").path / "metrics.jsonl"
    curves = Curves(path)
    curves.update()
    with path.open("a") as file:
        file.write('{"steps": 310, "reward": 5.0}\n{"steps": 320, "rew')
    curves.update()
    steps, values = curves.points("reward")
    assert len(steps) == 31 and (steps[-1], values[-1]) == (310.0, 5.0)
    with path.open("a") as file:
        file.write('ard": 6.0}\nno json\n')
    curves.update()
    assert curves.points("reward")[1][-1] == 6.0
    assert len(curves.points("divergence")[0]) == 0


def test_a_resumed_run_goes_on_from_its_checkpoint(home: Path) -> None:
    folder = make_run("a")
    curves = Curves(folder.path / "metrics.jsonl")
    curves.update()
    folder.append("metrics.jsonl", {"steps": 105, "reward": -1.0})
    curves.update()
    steps, _ = curves.points("reward")
    assert steps[-1] == 105.0 and np.all(np.diff(steps) > 0)


def test_long_runs_are_thinned_and_keep_the_newest_point(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    rows = ({"steps": i, "reward": i} for i in range(1, 2 * MAX_POINTS + 2))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    curves = Curves(path)
    curves.update()
    steps, _ = curves.points("reward")
    assert 0.5 * MAX_POINTS < len(steps) <= MAX_POINTS and steps[-1] == 2 * MAX_POINTS + 1


@pytest.mark.parametrize(
    ("state", "pid", "started", "seen"),
    [
        ("running", 0, 0, "running"),
        ("running", DEAD, 0, "killed"),
        ("paused", DEAD, 0, "killed"),
        ("stopped", DEAD, 0, "stopped"),
        ("stopped", DEAD, -1, "starting"),
        ("done", DEAD, 0, "done"),
    ],
)
def test_a_dead_process_is_noticed(
    home: Path, state: str, pid: int, started: int, seen: str
) -> None:
    folder = make_run("a", state, pid)
    status = read_status(folder, os.getpid() if started else 0)
    assert status.state == seen and status.alive == (seen in ("running", "starting"))


def test_runs_are_listed_compared_and_asked(window: MainWindow, qtbot) -> None:
    first, second = make_run("first"), make_run("second", "paused")
    window.set_layout("train")
    panel = window.train
    qtbot.waitUntil(lambda: panel.tree.topLevelItemCount() == 2)
    panel.tree.selectAll()
    assert sorted(panel.chosen()) == ["first", "second"]
    plot = panel.curves.plots["reward"]
    qtbot.waitUntil(lambda: all(len(c.xData) == 30 for c in plot.curves.values()))
    assert len(plot.curves) == 2 and not panel.pause.isHidden()
    panel.pause.click()
    assert (first.request(), second.request()) == ("pause", "")
    panel.stop.click()
    assert (first.request(), second.request()) == ("stop", "stop")
    panel._background.wait()
    panel.refresh()
    panel._background.wait()
    panel.resume.click()
    assert (first.request(), second.request()) == ("", "")


@pytest.mark.parametrize("name", ["../x", ".x", "a b", "a/b"])
def test_odd_names_are_refused(home: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name"):
        Training().start(TrainRequest(skill="anygrasp", hand="allegro_right", name=name))


def test_a_name_is_used_once(home: Path) -> None:
    make_run("a")
    with pytest.raises(InputError, match="already"):
        Training().start(TrainRequest(skill="anygrasp", hand="allegro_right", name="a"))


def test_changed_settings_are_passed_on(window: MainWindow, qtbot) -> None:
    panel = window.train
    form = panel.form
    form._shown = str(form.skill.currentData())
    form._on_settings(form._shown, {"speed": 1.0, "goals": {"candidates": 8}, "word": "x"})
    form.settings.topLevelItem(1).child(0).setText(1, "9")
    form.name.setText("mine")
    request = form.request()
    assert request.settings == ("goals.candidates=9",)
    arguments = request.arguments()
    assert arguments[-2:] == ["--set", "goals.candidates=9"] and "mine" in arguments
    assert arguments[arguments.index("--processes") + 1] == "2"


def test_a_graphics_card_takes_one_process(window: MainWindow) -> None:
    form = window.train.form
    form.engine.setCurrentText("genesis on a graphics card")
    arguments = form.request().arguments()
    assert arguments[arguments.index("--engine") + 1] == "genesis"
    assert arguments[arguments.index("--device") + 1] == "cuda"
    assert "--processes" not in arguments


def test_a_run_that_fails_says_why(home: Path, registry, qtbot) -> None:
    panel = TrainPanel(registry)
    qtbot.addWidget(panel)
    panel.show()
    told: list[str] = []
    panel.message.connect(lambda text, _tone: told.append(text))
    panel.start(TrainRequest(skill="nonesuch", hand="allegro_right", name="bad"))
    qtbot.waitUntil(lambda: any("nonesuch" in text for text in told[1:]), timeout=30_000)
    assert panel.statuses["bad"].state == "failed"


def test_the_window_needs_no_torch() -> None:
    code = (
        "import sys; import dexgen_app.gui.window, dexgen_app.gui.runs; "
        "sys.exit('torch' in sys.modules or 'genesis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_background_results_arrive_in_the_windows_thread(qtbot) -> None:
    background = Background()
    seen: list[object] = []

    def done(result: object) -> None:
        seen.append((result, threading.current_thread()))

    background.submit(threading.current_thread, done)
    background.submit(lambda: 1 / 0, done)
    qtbot.waitUntil(lambda: len(seen) == 2)
    (worker, here), (error, _) = seen  # type: ignore[misc]
    assert here is threading.main_thread() and worker is not here
    assert isinstance(error, ZeroDivisionError)


def test_other_threads_never_collect_garbage(qtbot) -> None:
    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            died.append(threading.current_thread())

    died: list[threading.Thread] = []
    parent = QObject()
    collector = GarbageCollector(parent)
    try:
        thread = threading.Thread(target=lambda: [Cycle() for _ in range(5000)] and None)
        thread.start()
        thread.join()
        assert not died
        collector.collect()
        assert len(died) == 5000 and set(died) == {threading.main_thread()}
    finally:
        collector.stop()
    assert gc.isenabled()


@pytest.mark.slow
def test_a_tiny_run_trains_stops_and_resumes(home: Path, registry, qtbot) -> None:
    save_grasps(grasp_path(RIGHT, ObjectSpec()), make_grasp_set())
    training = Training()
    name = training.start(
        TrainRequest(
            skill="anygrasp",
            hand="allegro_right",
            steps=100_000,
            environments=4,
            processes=1,
            settings=("goals.candidates=20",),
        )
    )
    folder = RunFolder.named(name)

    def state() -> str:
        return read_status(folder, training.started[name]).state

    qtbot.waitUntil(lambda: state() == "running", timeout=120_000)
    training.stop(name)
    qtbot.waitUntil(lambda: state() == "stopped", timeout=60_000)
    done = read_status(folder).done
    qtbot.waitUntil(lambda: not is_alive(training.started[name]), timeout=60_000)
    training.resume(name, alive=False)
    qtbot.waitUntil(lambda: read_status(folder).done > done, timeout=120_000)
    training.stop(name)
    qtbot.waitUntil(lambda: state() == "stopped", timeout=60_000)
