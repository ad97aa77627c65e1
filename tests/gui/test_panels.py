from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from dexgen_app.gui.metrics import SessionMetrics
from dexgen_app.gui.panels import episodes
from dexgen_app.gui.panels.joints import JointsPanel
from dexgen_app.gui.panels.log import LogBridge, LogPanel
from dexgen_app.gui.panels.plots import History
from dexgen_app.gui.panels.scene import ScenePanel
from dexgen_app.gui.status_bar import GAUGES
from dexgen_app.gui.window import MainWindow
from dexgen_app.live.protocol import LogLine
from dexgen_app.live.row import row_dtype
from dexgen_app.settings import load_settings, save_settings
from dexgen_app.spec import ObjectSpec, SceneSpec, WristProgram


def rows(count: int, start: int = 0, joints: int = 2) -> np.ndarray:
    made = np.zeros(count, row_dtype(joints))
    made["stamp_ns"] = (start + np.arange(count)) * 16_666_667
    made["tick"] = start + np.arange(count)
    made["position"] = (start + np.arange(count))[:, None]
    return made


def test_history_keeps_the_newest_rows_in_order() -> None:
    history = History(2, capacity=100)
    for start in range(0, 1000, 7):
        history.add(rows(7, start))
    times, values = history.last("position", 1.0)
    assert times[-1] == 0.0 and np.all(np.diff(times) > 0) and times[0] >= -1.0
    assert values[-1, 0] == 1000 and np.all(np.diff(values[:, 0]) > 0)


def test_history_leaves_out_what_is_not_there() -> None:
    made = rows(10)
    made["position"][:4] = np.nan
    made["target"] = np.nan
    history = History(2, capacity=100)
    history.add(made)
    times, target = history.last("target", 5.0)
    assert len(times) == 6 and np.isfinite(target).all()


def test_metrics_count_from_the_first_row_that_was_seen() -> None:
    metrics = SessionMetrics()
    made = rows(121, start=500)
    made["late"] = 30
    made["late"][-1] = 33
    made["work_ns"] = 2_000_000
    metrics.add(made, dropped=4)
    figures = metrics.figures()
    assert (figures.late, figures.ticks, figures.dropped) == (3, 120, 4)
    assert figures.state_hz == pytest.approx(60.0, rel=1e-3)
    assert figures.work_p95_ms == pytest.approx(2.0)
    assert np.isnan(figures.latency_p50_ms)


def test_gauges_turn_amber_and_red() -> None:
    by_name = {gauge.name: gauge for gauge in GAUGES}
    assert [by_name["rtf"].tone(v) for v in (1.0, 0.95, 0.5)] == ["text", "warn", "bad"]
    assert [by_name["late"].tone(v) for v in (0.0, 2.0, 9.0)] == ["text", "warn", "bad"]
    assert by_name["p95"].tone(float("nan")) == "muted"


def test_the_log_filters_searches_and_copies(qtbot, qapp) -> None:
    panel = LogPanel()
    qtbot.addWidget(panel)
    for level, text in ((20, "grasp settled"), (30, "device is stale"), (40, "hand lost")):
        panel.add_worker(LogLine(level=level, name="live", text=text, wall_time=0.0))
    panel.level.setCurrentIndex(panel.level.findData(30))
    assert "settled" not in panel.text.toPlainText() and "stale" in panel.text.toPlainText()
    panel.search.setText("LOST")
    panel.copy()
    assert "hand lost" in qapp.clipboard().text() and "stale" not in qapp.clipboard().text()


def test_log_records_of_any_thread_arrive(qtbot) -> None:
    panel, handler = LogPanel(), LogBridge()
    qtbot.addWidget(panel)
    handler.source.record_made.connect(panel.add_own)
    record = logging.LogRecord("x", logging.WARNING, "", 0, "%s < %s", ("a", "b"), None)
    handler.handle(record)
    qtbot.waitUntil(lambda: "a < b" in panel.text.toPlainText())


@pytest.mark.parametrize(
    "scene",
    [
        SceneSpec(),
        SceneSpec(object=None, wrist=WristProgram(direction="palm_down", sweep_period=12.0)),
        SceneSpec(object=ObjectSpec(shape="box", size=(0.05, 0.06, 0.07), mass=0.1, friction=0.8)),
        SceneSpec(object=ObjectSpec(shape="capsule", size=(0.05, 0.05, 0.09))),
    ],
)
def test_a_scene_comes_back_as_it_was_shown(qtbot, scene: SceneSpec) -> None:
    panel = ScenePanel()
    qtbot.addWidget(panel)
    panel.show_scene(scene)
    assert panel.scene() == scene


def test_joint_handles_stay_within_the_limits(qtbot, registry) -> None:
    hand = next(iter(registry.hands.values()))
    panel = JointsPanel()
    qtbot.addWidget(panel)
    panel.set_hand(hand)
    panel.set_manual(True)
    told: list[np.ndarray] = []
    panel.positions_wanted.connect(told.append)
    panel.rows[0].set_value(99.0, announce=True)
    assert told[-1][0] == hand.upper[0]
    qtbot.keyClick(panel.rows[0], Qt.Key.Key_Left)
    assert np.degrees(hand.upper[0] - told[-1][0]) == pytest.approx(1.0)
    panel._close.setValue(100)
    assert told[-1] == pytest.approx(np.clip(hand.grasp, *hand.limits))


def test_episodes_list_follows_the_folder(window: MainWindow, tmp_path: Path, qtbot) -> None:
    folder = load_settings().recordings_dir
    (folder / "foreign.mcap").write_bytes(b"not a recording")
    window.episodes.refresh()
    qtbot.waitUntil(lambda: window.episodes.tree.topLevelItemCount() == 1)
    item = window.episodes.tree.topLevelItem(0)
    assert item.text(3) == "damaged" and item.toolTip(0)
    window.episodes.tree.setCurrentItem(item)
    window.docks.show("episodes")
    qtbot.keyClick(window.episodes.tree, Qt.Key.Key_K)
    assert "Choose an episode" in window.toasts.texts[-1]
    (folder / "foreign.mcap").unlink()
    window.episodes.refresh()
    assert window.episodes.tree.topLevelItemCount() == 0


def test_a_recordings_folder_that_cannot_be_made_is_told_once(
    window: MainWindow, tmp_path: Path, monkeypatch, caplog
) -> None:
    (tmp_path / "a_file").write_text("")
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path / "a_file"))
    window.episodes.refresh()
    window.episodes.refresh()
    assert caplog.text.count("the recordings folder cannot be read") == 1
    assert "a_file" in caplog.text


def test_a_closed_window_looks_for_recordings_no_more(window: MainWindow, monkeypatch) -> None:
    looked = []
    monkeypatch.setattr(episodes, "load_settings", lambda: looked.append(1) or load_settings())
    window.episodes._timer.setInterval(1)
    QTest.qWait(20)
    assert looked
    window.close()
    looked.clear()
    QTest.qWait(20)
    assert not looked


def test_a_recording_stays_in_the_list_until_its_file_is_read(window: MainWindow, qtbot) -> None:
    panel, folder = window.episodes, load_settings().recordings_dir
    path = folder / "new.mcap"
    path.write_bytes(b"not a recording")
    panel.set_busy_path(path)
    panel.show_running(0, "keep", 1.0)
    panel.set_busy_path(None)
    item = panel.tree.topLevelItem(0)
    assert item.text(3) == "closing" and item.child(0).text(0) == "episode 1"
    qtbot.waitUntil(lambda: panel.tree.topLevelItem(0).text(3) == "damaged")
    assert panel.tree.topLevelItemCount() == 1
    panel.set_busy_path(folder / "lost.mcap")
    panel.set_busy_path(None)
    panel.refresh()
    assert panel.tree.topLevelItemCount() == 1


def test_plugins_are_switched_in_the_settings(window: MainWindow) -> None:
    tree = window.plugins.tree
    item = tree.topLevelItem(0)
    item.setCheckState(0, Qt.CheckState.Unchecked)
    assert item.text(0) in load_settings().disabled_plugins
    item.setCheckState(0, Qt.CheckState.Checked)
    assert item.text(0) not in load_settings().disabled_plugins
    save_settings(load_settings())
