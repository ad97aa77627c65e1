"""How the window follows the session: states, events and rows become what is on the screen."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, QTimer

from dexgen_app import __version__
from dexgen_app.errors import DexgenError
from dexgen_app.gui.safety_bar import select
from dexgen_app.live import protocol as p
from dexgen_app.live.row import SessionState
from dexgen_app.spec import HandSpec, ObjectSpec

if TYPE_CHECKING:
    from dexgen_app.gui.window import MainWindow

log = logging.getLogger("dexgen_app.gui")
BACK_TO_LIVE = "Back to live"


class SessionView(QObject):
    """Shows a session in a window.

    Args:
        window: The window.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.operator, self.bridge = window.operator, window.bridge
        self.shown_hand = ""
        self._shown_controller = ""
        self.recording_since = 0.0
        self._last_state = SessionState.DISCONNECTED
        self._remark = ""
        bridge = self.bridge
        self.operator.config_changed.connect(self.show_config)
        bridge.state_changed.connect(self.show_state)
        bridge.happened.connect(self._on_event)
        bridge.ready.connect(self._on_ready)
        bridge.rows.connect(self._on_rows)
        bridge.died.connect(self._on_died)
        window.keys.dead_man_changed.connect(self._on_dead_man)
        window.keys.stop_pressed.connect(self._on_stop)
        window.safety.stop_clicked.connect(self._on_stop)
        for driven in (
            window.joints.positions_wanted,
            window.keyboard.key_pressed,
            window.keys.device_key,
        ):
            driven.connect(self._on_driven)
        window.banner.action_clicked.connect(self._on_banner_action)
        window.look_back.row_shown.connect(self._on_past_row)
        window.look_back.changed.connect(self._on_look_back)
        self.show_config(self.operator.config)
        self.show_state(bridge.state, "")
        self._slow = QTimer(self)
        self._slow.setInterval(500)
        self._slow.timeout.connect(self._on_slow)
        self._slow.start()

    def show_config(self, config: p.SessionConfig) -> None:
        """Show what is chosen."""
        hand = self.operator.hand
        if hand is not None:
            select(self.window.safety.hand, hand.id)
            self.window.safety.fill_hand(hand.id)
            if self.shown_hand != hand.id:
                self.show_hand(hand, config.scene.object)
        select(self.window.safety.driver, self.operator.driver_key)
        select(self.window.safety.controller, config.controller)
        self.window.safety.show_device(config.device)
        device = self.operator.device
        manual = bool(device and device.manual)
        keys = frozenset(item.key for item in device.keys) if device and manual else frozenset()
        self.window.keys.set_device_keys(keys)
        self.window.view.set_shortcuts_enabled(not keys)
        self.window.keyboard.set_device(device)
        self.window.joints.set_manual(bool(device and manual and not device.keys))
        self.window.parameters.show_controller(self.operator.controller)
        if self.window.isVisible() and manual and self.window.docks.layout == "teleop":
            name = "keyboard" if keys else "joints"
            self.window.docks.docks[name].show()
            self.window.docks.docks[name].raise_()
        self._raise_controller_panel(config.controller)
        self.window.paint_edges()
        self.show_title()
        if self.window.hint is not None and manual:
            self.window.hint.done("device")

    def _raise_controller_panel(self, controller: str) -> None:
        """Bring a newly chosen controller's own panel to the front."""
        if not self.window.isVisible() or controller == self._shown_controller:
            return
        self._shown_controller = controller
        for spec in self.window.registry.panels.values():
            dock = self.window.docks.docks[spec.id]
            shown = dock.toggleViewAction()
            if spec.controller == controller and shown is not None and shown.isChecked():
                dock.raise_()

    def show_hand(self, hand: HandSpec, thing: ObjectSpec | None = None) -> None:
        """Show a hand in every panel."""
        self.shown_hand = hand.id
        try:
            self.window.view.set_hand(hand, thing)
        except DexgenError as error:
            log.error("%s", error)
            self.window.toasts.show(str(error), "bad")
        self.window.joints.set_hand(hand)
        self.window.plots.set_hand(hand)

    def show_state(self, state: SessionState, reason: str) -> None:
        """Show a state of the session."""
        previous, self._last_state = self._last_state, state
        self.window.safety.show_state(state, real=self.bridge.real, reason=reason)
        self.window.safety.connect.setEnabled(
            self.window.safety.connect.isEnabled() and not self.window.read_only
        )
        self.window.paint_edges()
        word = "SIMULATION" if self.operator.simulated else "REAL HAND"
        self.window.status.message.setText(f"{word}   {reason or state.name.lower()}")
        self.show_title()
        if state != previous:
            self.window.registry.notify(
                "on_session_state", app=self.window.context, state=state.name
            )
        if state == SessionState.FAULT:
            self.window.view.set_banner("")
            self.window.banner.show_fault(
                reason or "The hand reported a fault",
                "Reset" if self.bridge.running else "Reconnect",
            )
        elif state == SessionState.STOPPED:
            text = reason or "the hand is in its safe state"
            self.window.banner.show_fault(f"STOPPED: {text}", "Reset")
        elif self.window.banner.kind in ("bad", "warn") and state != previous:
            self.window.banner.clear()
        if state == SessionState.CONNECTING and previous != state:
            self.window.banner.show_progress("Starting the simulation", None)
        elif state != SessionState.CONNECTING and self.window.banner.kind == "progress":
            self.window.banner.clear()
        if state == SessionState.CONNECTED and state != previous:
            self.operator.reset_sliders()
            QTimer.singleShot(250, self.window.joints.follow_held)
        self._show_remark()
        if state in (SessionState.ARMED, SessionState.ACTIVE):
            if self.window.review.recording is not None:
                self.window.close_review()
            self.window.look_back.follow()
            if self.window.hint is not None:
                self.window.hint.done("arm")

    def _show_remark(self) -> None:
        # A controller is asked at all times, and what it says of a hand at rest concerns nobody.
        moving = self._last_state == SessionState.ACTIVE
        self.window.parameters.show_remark(self._remark if moving else "")

    def show_title(self) -> None:
        """Say in the window's title what is connected or reviewed, and how it stands."""
        word = "simulation" if self.operator.simulated else "real hand"
        recording = self.window.review.recording
        what = f"review of {recording.path.name}" if recording is not None else word
        state = self.bridge.state.name.lower()
        self.window.setWindowTitle(f"dexgen-app {__version__}, {what}, {state}")

    def _on_event(self, event: object) -> None:
        if isinstance(event, p.Progress):
            self.window.banner.show_progress(event.text, event.fraction)
        elif isinstance(event, p.LogLine):
            self.window.log.add_worker(event)
        elif isinstance(event, p.Failure):
            text = str(DexgenError(event.what, where=event.where, remedy=event.remedy))
            log.error("%s", text)
            self.window.toasts.show(text, "bad")
        elif isinstance(event, p.DeviceStatus):
            device = self.operator.device
            if not event.connected and event.text:
                self.window.toasts.show(f"{event.device}: {event.text}", "warn")
            elif device is not None and device.keys:
                self.window.keyboard.show_status(event.text)
        elif isinstance(event, p.ControllerStatus):
            if event.controller == self.operator.config.controller:
                self.window.parameters.show_values(event.parameters)
                self._remark = event.remark
                self._show_remark()
                if self.window.hint is not None and self.bridge.armed:
                    self._tick_switch(event.parameters)
        elif isinstance(event, p.RecordingStatus):
            self._on_recording(event)
        elif isinstance(event, p.EpisodeChanged):
            self._on_episode(event)
        elif isinstance(event, p.ReplayStatus):
            self._on_replay(event)
        elif isinstance(event, p.PluginHealth):
            self.window.registry.follow(
                event.kind, event.id, suspended=event.suspended, reason=event.reason
            )
            self.window.plugins.refresh()
        elif isinstance(event, p.CalibrationDone):
            self.window.toasts.show(f"Calibration stored in the profile {event.profile}", "ok")

    def _tick_switch(self, values: Mapping[str, float | str]) -> None:
        dial, hint = self.window.parameters.find("switch"), self.window.hint
        if dial is not None and hint is not None and values.get(dial.spec.name) == "off":
            hint.done("switch")

    def _on_recording(self, event: p.RecordingStatus) -> None:
        started = event.active and not self.recording_since
        if started:
            self.recording_since = time.monotonic()
            self.window.episodes.set_busy_path(Path(event.path) if event.path else None)
        elif not event.active and self.recording_since:
            self.recording_since = 0.0
            self.window.episodes.set_busy_path(None)
            if event.path:
                self.window.toasts.show(f"Recorded {Path(event.path).name}", "ok")
        if event.error:
            self.window.banner.show_fault(f"Recording stopped: {event.error}", tone="warn")
        self._show_recording()

    def _on_episode(self, event: p.EpisodeChanged) -> None:
        self.window.episodes.show_running(event.index, event.mark, event.seconds)
        if event.mark:
            text = f"Episode {event.index + 1} of {event.seconds:.1f} s: {event.mark}"
            self.window.toasts.show(text, "ok")
            self.window.registry.notify(
                "on_episode_saved",
                app=self.window.context,
                path=Path(event.path),
                episode=event.index,
                mark=event.mark,
            )
        else:
            self.window.toasts.show(f"Episode {event.index + 1} begins", "info")
        self._show_recording()

    def _on_replay(self, event: p.ReplayStatus) -> None:
        drift = "" if np.isnan(event.drift_rad) else f", drift {np.degrees(event.drift_rad):.1f}°"
        self.window.status.message.setText(
            f"Replay {event.phase} {event.position_s:.1f} / {event.length_s:.1f} s{drift}"
        )

    def _show_recording(self) -> None:
        seconds = time.monotonic() - self.recording_since if self.recording_since else 0.0
        self.window.safety.show_recording(self.recording_since > 0, seconds, self.operator.episode)

    def _on_ready(self, event: p.Ready) -> None:
        self.window.look_back.clear()
        self.operator.config = replace(self.operator.config, scene=event.scene)
        if event.hand.id != self.shown_hand:
            self.show_hand(event.hand, event.scene.object)
        self.window.plots.set_hand(event.hand)
        self.window.view.set_object(event.scene.object)
        self.window.scene.show_scene(event.scene, simulated=not event.real)

    def _on_rows(self, rows: np.ndarray) -> None:
        self.window.look_back.add(rows)
        if self.window.review.recording is not None or self.window.look_back.active:
            return
        row = rows[-1]
        self.window.view.set_row(row)
        self.window.joints.show_row(row)
        self.window.plots.add_rows(rows)

    def _on_past_row(self, row: np.void) -> None:
        self.window.view.set_row(row)
        self.window.joints.show_row(row)

    def _on_look_back(self, past: bool) -> None:
        if past:
            text = "This is the past; the hand goes on"
            self.window.banner.show_fault(text, BACK_TO_LIVE, tone="warn")
        elif self.window.banner.action.text() == BACK_TO_LIVE:
            self.window.banner.clear()

    def _on_dead_man(self, held: bool) -> None:
        self.window.safety.show_dead_man(held)
        if self.window.hint is not None and held:
            self.window.hint.done("hold")

    def _on_died(self, text: str) -> None:
        self.window.safety.show_recording(False, 0.0, -1)
        self.recording_since = 0.0
        self.window.banner.show_fault(f"{text}. The hand is in its safe state.", "Reconnect")

    def _on_stop(self) -> None:
        if not self.bridge.running:
            self.window.toasts.show("STOP: no hand is connected", "info")

    def _on_banner_action(self) -> None:
        if self.window.banner.action.text() == BACK_TO_LIVE:
            self.window.close_review()
        else:
            self.operator.reset_stop()

    def _on_slow(self) -> None:
        self.window.status.show_figures(self.bridge.metrics.figures())
        self._show_recording()

    def _on_driven(self, *_: object) -> None:
        if self.window.hint is not None and self.bridge.state == SessionState.ACTIVE:
            self.window.hint.done("drive")
