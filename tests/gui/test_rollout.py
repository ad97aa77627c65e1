"""Policies at work and grasps in windows of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from view_samples import HAND, make_rows

from dexgen_app.gui.grasp_window import GraspTable, GraspWindow
from dexgen_app.gui.rollout import RolloutWindow
from dexgen_app.learn.run_folder import RunFolder
from dexgen_app.live.row import row_dtype
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import GRAVITY_DIRECTIONS, ObjectSpec


@pytest.fixture
def table() -> GraspTable:
    rng = np.random.default_rng(0)
    joints = np.array(HAND.grasp) + 0.02 * rng.normal(size=(5, HAND.joint_count))
    pose = np.tile([*HAND.grasp_center, 1.0, 0.0, 0.0, 0.0], (5, 1))
    holds = np.zeros((5, 6), bool)
    holds[:, 0] = True
    holds[[1, 4], 1] = True
    return GraspTable(
        hand=HAND,
        object=ObjectSpec(),
        joints=joints,
        targets=joints,
        object_pose=pose,
        holds=holds,
    )


def test_the_window_steps_through_grasps(table: GraspTable, qtbot) -> None:
    window = GraspWindow(table)
    qtbot.addWidget(window)
    shown = window.view.stage
    assert shown is not None and "number 0;" in window.line.text()
    qtbot.keyClick(window, Qt.Key.Key_Right)
    assert "number 1; holds with gravity palm_up, palm_down" in window.line.text()
    window.back.click()
    window.back.click()
    assert "number 4;" in window.line.text(), "before the first comes the last"
    window.gravity.setCurrentIndex(2)
    assert window.number.maximum() == 2 and "number 1;" in window.line.text()
    window.forward.click()
    assert "number 4;" in window.line.text()
    window.gravity.setCurrentIndex(6)
    assert "No grasp" in window.line.text() and not window.number.isEnabled()
    assert window.gravity.count() == 1 + len(GRAVITY_DIRECTIONS)


PLAYER = """
import sys
sys.stdout.buffer.write(open({path!r}, "rb").read())
sys.stdout.flush()
sys.stdin.read() if {wait} else sys.exit("the skill is gone")
"""


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Have a made-up process play rows instead of a simulation."""

    def make(wait: bool) -> None:
        rows = make_rows(40, episode=0)
        assert rows.dtype == row_dtype(HAND.joint_count)
        thing = {"shape": "cube", "size": [0.05, 0.05, 0.05], "mass": 0.05}
        head = {"hand": HAND.id, "object": thing, "step_seconds": 0.1}
        data = json.dumps(head).encode() + b"\n" + rows.tobytes()
        path, script = tmp_path / "rows", tmp_path / "player"
        path.write_bytes(data if wait else b"")
        text = PLAYER.format(path=str(path), wait=wait)
        script.write_text(f"#!{sys.executable}\n{text}")
        script.chmod(0o755)
        monkeypatch.setattr("dexgen_app.gui.rollout.sys.executable", str(script))

    return make


def test_a_policy_at_work_is_shown(registry: PluginRegistry, played, tmp_path, qtbot) -> None:
    played(wait=True)
    policies = {title: tmp_path / f"{title}.safetensors" for title in ("new", "old")}
    window = RolloutWindow(registry, "mine", policies)
    qtbot.addWidget(window)
    assert [window.policy.itemText(i) for i in range(2)] == ["new", "old"]
    assert window.policy.currentData() == str(tmp_path / "new.safetensors")
    window.start()
    qtbot.waitUntil(lambda: window.rows == 40, timeout=20_000)
    stage = window.view.stage
    assert stage is not None and stage.object is not None and stage.object.size[0] == 0.05
    assert window.line.text() == "4 s, 0 episodes ended"
    process = window._process
    assert process is not None
    window.close()
    assert window._process is None


def test_a_policy_that_cannot_be_played_says_why(
    registry: PluginRegistry, played, tmp_path, qtbot
) -> None:
    played(wait=False)
    window = RolloutWindow(registry, "mine", {"new": tmp_path / "new.safetensors"})
    qtbot.addWidget(window)
    window.start()
    qtbot.waitUntil(lambda: window.line.text() == "the skill is gone", timeout=20_000)


def test_a_run_without_a_policy_says_so(window, qtbot) -> None:
    RunFolder.named("fresh").create({"skill": "anygrasp", "steps": 10})
    told: list[str] = []
    window.set_layout("train")
    panel = window.train
    panel.message.connect(lambda text, _tone: told.append(text))
    qtbot.waitUntil(lambda: panel.chosen() == ["fresh"])
    panel.play.click()
    assert told == ["The run fresh has saved no policy yet"]


def test_all_policies_of_a_run_can_be_watched_the_newest_first(window, played, qtbot) -> None:
    played(wait=True)
    run = RunFolder.named("mine")
    run.create({"skill": "anygrasp", "steps": 10})
    (run.path / "policies").mkdir(exist_ok=True)
    for n in (100, 2000):
        (run.path / "policies" / f"step_{n:011d}.safetensors").write_bytes(b"")
    window.set_layout("train")
    qtbot.waitUntil(lambda: window.train.chosen() == ["mine"])
    window.train.play.click()
    shown = window.train.findChild(RolloutWindow)
    assert shown.windowTitle() == "mine at work"
    assert [shown.policy.itemText(i) for i in range(2)] == ["2,000 steps", "100 steps"]
    shown.close()


def test_what_a_skill_ships_can_be_watched(window, played, qtbot) -> None:
    played(wait=True)
    window.set_layout("train")
    panel, form = window.train, window.train.form
    panel.tabs.setCurrentIndex(1)
    form.skill.setCurrentIndex(form.skill.findData("anygrasp"))
    form.hand.setCurrentIndex(form.hand.findData("allegro_left"))
    assert not form.watch.isEnabled() and "ships no policy" in form.watch.toolTip()
    form.hand.setCurrentIndex(form.hand.findData("allegro_right"))
    form.watch.click()
    shown = panel.findChild(RolloutWindow)
    qtbot.waitUntil(lambda: shown.rows == 40, timeout=20_000)
    assert shown.policy.itemText(0) == "shipped"
    assert Path(shown.policy.currentData()).name == "allegro_right.safetensors"
    shown.close()


def test_the_window_ends_what_plays_and_reads_for_it(window, played, qtbot) -> None:
    played(wait=True)
    window.set_layout("train")
    form = window.train.form
    window.train.tabs.setCurrentIndex(1)
    form.skill.setCurrentIndex(form.skill.findData("anygrasp"))
    form.hand.setCurrentIndex(form.hand.findData("allegro_right"))
    readers = list(window.train.training._readers.values())
    form.watch.click()
    shown = window.train.findChild(RolloutWindow)
    qtbot.waitUntil(lambda: shown.rows == 40, timeout=20_000)
    player = shown._process
    assert readers and player is not None
    ended: list[object] = []
    player.finished.connect(lambda *_: ended.append(player))
    window.close()
    assert ended == [player]
    assert all(process.state() == process.ProcessState.NotRunning for process in readers)
