"""The window with a real worker."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
from PyQt6.QtWidgets import QApplication

from dexgen_app.gui.app import open_window, show_window
from dexgen_app.live.protocol import ResetStop, SessionConfig
from dexgen_app.live.row import SessionState
from dexgen_app.plugins import PluginRegistry
from dexgen_app.recording.reader import Recording

START_MS = 120_000


def test_drive_stop_record_and_survive_a_dead_worker(
    qapp: QApplication, qtbot, registry: PluginRegistry
) -> None:
    config = SessionConfig(engine="mujoco", device="script", hold_dead_man=True)
    application = open_window(qapp, config, registry=registry, remember=False)
    window = application.window
    try:
        show_window(application, arrange=False)
        bridge = window.bridge
        window.operator.connect_hand()
        qtbot.waitUntil(lambda: bridge.state == SessionState.CONNECTED, timeout=START_MS)
        window.operator.start_episode()
        qtbot.waitUntil(lambda: window.operator.episode == 0, timeout=10_000)
        path = Path(bridge.recording.path)
        start = np.array(bridge.latest["position"])
        window.toggle_arm()
        qtbot.waitUntil(lambda: bridge.state == SessionState.ACTIVE, timeout=10_000)
        qtbot.waitUntil(
            lambda: np.abs(bridge.latest["position"] - start).max() > 0.02, timeout=20_000
        )
        window.safety.stop.click()
        qtbot.waitUntil(lambda: bridge.state == SessionState.STOPPED, timeout=5_000)
        window.operator.end_episode("fail")
        window.operator.toggle_recording()
        qtbot.waitUntil(lambda: not bridge.recording.active, timeout=20_000)
        bridge.send(ResetStop())
        qtbot.waitUntil(lambda: bridge.state == SessionState.CONNECTED, timeout=5_000)
        os.kill(bridge._session.pid, signal.SIGKILL)
        qtbot.waitUntil(lambda: bridge.state == SessionState.FAULT, timeout=5_000)
        assert window.banner.action.text() == "Reconnect"
    finally:
        application.shut_down()
        window.deleteLater()
    recording = Recording.open(path)
    assert [e.mark for e in recording.episodes] == ["fail"]
    states = recording.rows["state"]
    assert (states == SessionState.ACTIVE).any() and (states == SessionState.STOPPED).any()
