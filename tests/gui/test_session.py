from __future__ import annotations

from pathlib import Path

import numpy as np
from fake_session import FakeSession

from dexgen_app.errors import DexgenError
from dexgen_app.gui.session import SessionBridge
from dexgen_app.gui.window import MainWindow
from dexgen_app.live import protocol as p
from dexgen_app.live.row import SessionState


def test_connecting_shows_progress_and_then_the_state(window: MainWindow, session) -> None:
    assert window.bridge.state == SessionState.CONNECTED
    assert window.safety.state.text.startswith("CONNECTED") and "SIM" in window.safety.state.text
    assert window.safety.arm.isEnabled() and not window.safety.hand.isEnabled()
    assert not window.banner.isVisible()


def test_progress_is_shown_until_it_is_done(window: MainWindow, session, qtbot) -> None:
    session.say(p.Progress(text="compiling", fraction=0.4))
    qtbot.waitUntil(window.banner.isVisible)
    assert window.banner.label.text() == "compiling" and window.banner.bar.value() == 400
    session.say(p.Progress(text="compiling", fraction=1.0))
    qtbot.waitUntil(lambda: not window.banner.isVisible())


def test_a_dead_worker_shows_fault_and_reconnects(window: MainWindow, session, qtbot) -> None:
    session.die(-9)
    qtbot.waitUntil(lambda: window.bridge.state == SessionState.FAULT)
    assert "exit code -9" in window.banner.label.text()
    assert window.banner.action.text() == "Reconnect"
    window.banner.action.click()
    qtbot.waitUntil(lambda: window.bridge.state == SessionState.CONNECTED)
    assert len(FakeSession.made) == 2 and session.closed
    assert not window.banner.isVisible()


def test_the_heartbeat_goes_on(session, qtbot) -> None:
    before = session.beats
    qtbot.waitUntil(lambda: session.beats > before + 5)


def test_rows_reach_the_panels(window: MainWindow, session, qtbot) -> None:
    hand = window.operator.hand
    angles = np.array(hand.home) + 0.1
    for i in range(40):
        session.write(seconds=i / 60, position=angles, target=angles + 0.05, tick=i)
        if i % 10 == 0:
            qtbot.wait(40)
    window.joints.show()
    qtbot.waitUntil(lambda: window.bridge.latest["sequence"] == 39)
    assert abs(window.joints.rows[0].position - angles[0]) < 1e-6
    window.plots.refresh()
    x, y = window.plots.plots[0].actual[0].getData()
    assert len(x) == 40 and abs(np.radians(y[-1]) - angles[0]) < 1e-5
    assert window.bridge.metrics.figures().ticks == 39


def test_a_session_that_cannot_start_is_a_message(qtbot) -> None:
    def refuse(_config: p.SessionConfig):
        raise DexgenError("the hand is not there", remedy="Plug it in")

    bridge = SessionBridge(refuse)
    failures: list[object] = []
    bridge.happened.connect(failures.append)
    bridge.start(p.SessionConfig())
    assert bridge.state == SessionState.FAULT and failures[0].remedy == "Plug it in"
    assert not bridge.send(p.Arm())


def test_stop_latches_until_reset(window: MainWindow, session, qtbot) -> None:
    window.safety.stop.click()
    qtbot.waitUntil(lambda: window.bridge.state == SessionState.STOPPED)
    assert not window.safety.arm.isEnabled() and window.safety.reset.isEnabled()
    assert window.safety.stop.isEnabled()
    window.operator.toggle_arm()
    assert not any(isinstance(c, p.Arm) for c in session.sent)
    window.safety.reset.click()
    qtbot.waitUntil(lambda: window.bridge.state == SessionState.CONNECTED)


def test_episode_keys(window: MainWindow, session, qtbot) -> None:
    window.actions_registry["episode.start"].trigger()
    qtbot.waitUntil(lambda: window.operator.episode == 0)
    window.episodes.set_busy_path(Path("session.mcap"))
    window.actions_registry["episode.fail"].trigger()
    assert p.EndEpisode("fail") in session.sent
    qtbot.waitUntil(lambda: window.operator.episode == -1)
    listed = window.episodes.tree.topLevelItem(0).child(0)
    assert (listed.text(0), listed.text(3)) == ("episode 1", "fail")
    window.actions_registry["episode.keep"].trigger()
    assert p.EndEpisode("keep") not in session.sent


def test_recording_is_visible(window: MainWindow, session, qtbot) -> None:
    window.safety.record.click()
    qtbot.waitUntil(lambda: window.safety.record.text().startswith("00:0"))
    session.say(p.RecordingStatus(active=False, error="the disk is full"))
    qtbot.waitUntil(lambda: window.safety.record.text() == "REC")
    assert "disk is full" in window.banner.label.text()
    assert window.bridge.state == SessionState.CONNECTED


def test_sliders_send_all_joints(window: MainWindow, session) -> None:
    row = window.joints.rows[3]
    row.set_value(row.lower, announce=True)
    sent = [c.payload for c in session.sent if isinstance(c, p.DeviceInput)][-1]
    assert len(sent["positions"]) == window.operator.hand.joint_count
    assert sent["positions"][3] == row.lower


def test_nothing_changes_while_armed(window: MainWindow, session, qtbot) -> None:
    window.operator.toggle_arm()
    qtbot.waitUntil(lambda: window.bridge.armed)
    window.operator.choose_device("script")
    window.operator.toggle_connection()
    assert not any(isinstance(c, (p.SelectDevice, p.Disconnect)) for c in session.sent)
    assert any("Disarm" in text for text in window.toasts.texts)
    assert not window.safety.connect.isEnabled()


def test_the_last_minute_can_be_looked_at_but_not_while_armed(
    window: MainWindow, session, qtbot
) -> None:
    for i in range(120):
        session.write(seconds=i / 60, tick=i)
    qtbot.waitUntil(lambda: window.timeline.duration > 1.9)
    assert window.timeline.live
    window.timeline._on_dragged(1.0)
    assert window.look_back.active and window.banner.action.text() == "Back to live"
    shown: list[np.void] = []
    window.look_back.row_shown.connect(shown.append)
    window.timeline._on_dragged(0.5)
    assert abs(int(shown[-1]["tick"]) - 30) <= 1
    window.operator.toggle_arm()
    qtbot.waitUntil(lambda: window.bridge.armed)
    assert not window.look_back.active and not window.banner.isVisible()
    window.timeline._on_dragged(0.5)
    assert window.timeline.live and not window.look_back.active
