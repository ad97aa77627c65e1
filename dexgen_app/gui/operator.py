"""What a person can ask of the session, with the rules of when it makes sense. No widgets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from dexgen_app.errors import DexgenError
from dexgen_app.gui.controller_choice import suggest, why_not
from dexgen_app.gui.keys import KeyGuard
from dexgen_app.gui.session import SessionBridge
from dexgen_app.live import protocol as p
from dexgen_app.live.row import SessionState
from dexgen_app.plugins import PluginRegistry
from dexgen_app.settings import update_settings
from dexgen_app.spec import ControllerSpec, HandSpec, SceneSpec, TeleopSpec, WristProgram

_IDLE = (SessionState.DISCONNECTED, SessionState.FAULT)


class Operator(QObject):
    """Turns wishes into commands of ``live.protocol``.

    Signals:
        message: A text and its tone (``info ok warn bad``) for the person.
        config_changed: The session's configuration changed.
        argument_wanted: The chosen device (its id) needs an argument first.
    """

    message = pyqtSignal(str, str)
    config_changed = pyqtSignal(object)
    argument_wanted = pyqtSignal(str)

    def __init__(
        self,
        bridge: SessionBridge,
        registry: PluginRegistry,
        keys: KeyGuard,
        config: p.SessionConfig,
        *,
        remember: bool = True,
    ) -> None:
        super().__init__()
        self.bridge, self.registry, self.keys, self.config = bridge, registry, keys, config
        self._remember = remember
        self._built: p.SessionConfig | None = None
        self.episode = -1
        self.replaying: p.ReplayStatus | None = None
        keys.stop_pressed.connect(self.stop)
        keys.dead_man_changed.connect(bridge.set_dead_man)
        keys.device_key.connect(self.send_key)
        keys.keys_released.connect(self._release_keys)
        bridge.happened.connect(self._on_event)

    # What is chosen -------------------------------------------------------------------------

    @property
    def hand(self) -> HandSpec | None:
        """The chosen hand."""
        try:
            return self.registry.find_hand(self.config.hand)
        except DexgenError:
            return None

    @property
    def device(self) -> TeleopSpec | None:
        """The chosen device."""
        return self.registry.teleop_devices.get(self.config.device.partition(":")[0])

    @property
    def controller(self) -> ControllerSpec | None:
        """The chosen controller."""
        return self.registry.controllers.get(self.config.controller)

    @property
    def simulated(self) -> bool:
        """Whether the chosen hand is simulated."""
        return self.config.driver.partition(":")[0] == "sim"

    @property
    def driver_key(self) -> str:
        """The driver as the safety bar lists it."""
        return f"sim:{self.config.engine}" if self.simulated else self.config.driver

    def choose_hand(self, hand: str) -> None:
        """Choose the hand for the next connection, and a controller that can run on it."""
        self._change(hand=hand)
        spec, controller = self.hand, self.controller
        if spec is None or controller is None:
            return
        problem = why_not(self.registry, controller, spec)
        if problem:
            other = suggest(self.registry, spec)
            self.message.emit(f"{problem} The controller is now {other}.", "warn")
            self.choose_controller(other)

    def choose_driver(self, key: str) -> None:
        """Choose ``sim:ENGINE`` or a driver of the hand for the next connection."""
        kind, _, engine = key.partition(":")
        if kind == "sim":
            self._change(driver="sim", engine=engine or "genesis")
        else:
            self._change(driver=key)

    def choose_device(self, device: str) -> None:
        """Choose a device as ``id`` or ``id:argument``; asks which one if the device can tell."""
        id, _, argument = device.partition(":")
        spec = self.registry.teleop_devices.get(id)
        if spec is not None and spec.probe and not argument:
            self.argument_wanted.emit(id)
            return
        if self.bridge.armed:
            self.message.emit(
                "Disarm first: the device cannot change while the hand may move", "warn"
            )
            self.config_changed.emit(self.config)
            return
        self.keys.release()
        self._change(device=device)
        self._send_if_linked(p.SelectDevice(device))

    def choose_controller(self, controller: str) -> None:
        """Change the controller, also while the hand moves; says why one cannot run."""
        spec, hand = self.registry.controllers.get(controller), self.hand
        problem = why_not(self.registry, spec, hand) if spec and hand else ""
        if problem:
            self.message.emit(problem, "warn")
            self.config_changed.emit(self.config)
            return
        self._change(controller=controller, parameters={})
        self._send_if_linked(p.SelectController(controller))

    def set_person(self, profile: str, human_side: Literal["", "right", "left"]) -> None:
        """Choose whose hand it is, from the next connection on."""
        self.config = replace(self.config, profile=profile, human_side=human_side)

    def set_parameter(self, name: str, value: float | str) -> None:
        """Change a parameter of the controller."""
        self.config = replace(self.config, parameters={**self.config.parameters, name: value})
        self._send_if_linked(p.SetParameter(name, value))

    # Connection and safety ------------------------------------------------------------------

    def toggle_connection(self) -> None:
        """Connect, or disconnect."""
        if self.bridge.armed:
            self.message.emit("Disarm before you disconnect", "warn")
        elif self.bridge.state in _IDLE:
            self.connect_hand()
        else:
            self.bridge.send(p.Disconnect())

    def connect_hand(self) -> None:
        """Connect; starts a worker if none runs or another one is needed."""
        if self.bridge.running and self._built == self._essence():
            self.bridge.send(p.Connect())
            return
        self._built = self._essence()
        self.bridge.start(self.config)

    def toggle_arm(self) -> None:
        """Allow motion, or forbid it."""
        if self.bridge.armed:
            self.bridge.send(p.Disarm())
        elif self.bridge.state == SessionState.CONNECTED:
            self.bridge.send(p.Arm())
        elif self.bridge.state == SessionState.STOPPED:
            self.message.emit("STOP is latched: Reset it first (Ctrl+Backspace)", "warn")
        else:
            self.message.emit("Connect the hand first (F2)", "warn")

    def stop(self) -> None:
        """STOP."""
        self.keys.release()
        self.bridge.stop_now()

    def reset_stop(self) -> None:
        """Release the latch of STOP or of a fault; reconnect if the worker is gone."""
        if not self.bridge.running:
            self.connect_hand()
        else:
            self.bridge.send(p.ResetStop())

    # Recording ------------------------------------------------------------------------------

    def toggle_recording(self) -> None:
        """Start or stop recording."""
        if self.bridge.recording.active:
            self.bridge.send(p.StopRecording())
        else:
            self._ask(p.StartRecording())

    def start_episode(self) -> None:
        """Begin an episode."""
        if self.episode >= 0:
            self.message.emit("An episode runs already: F6 keep, F7 fail, F8 discard", "warn")
        else:
            self._ask(p.StartEpisode())

    def end_episode(self, mark: p.Mark) -> None:
        """End the episode with a mark."""
        if self.episode < 0:
            self.message.emit("No episode runs: F5 begins one", "warn")
        else:
            self._ask(p.EndEpisode(mark))

    def annotate(self, text: str) -> None:
        """Write a note into the recording."""
        if text.strip():
            self._ask(p.Annotate(text.strip()))

    def replay(self, path: Path, episode: int = -1, speed: float = 1.0) -> None:
        """Play a recording on the connected hand."""
        if self.bridge.state not in (
            SessionState.CONNECTED,
            SessionState.ARMED,
            SessionState.ACTIVE,
        ):
            self.message.emit("Connect the hand first (F2)", "warn")
            return
        self.bridge.send(p.StartReplay(path=str(path), episode=episode, speed=speed))
        if not self.bridge.armed:
            self.message.emit(
                "Arm (F3) and hold Space: the hand then follows the recording", "info"
            )

    def pause_replay(self) -> None:
        """Pause or resume the replay on the hand."""
        if self.replaying is None:
            self.message.emit("No replay runs on the hand", "info")
        else:
            self.bridge.send(p.PauseReplay(paused=self.replaying.phase != "paused"))

    def stop_replay(self) -> None:
        """End the replay; the hand holds."""
        if self.replaying is not None:
            self.bridge.send(p.StopReplay())

    # Scene and devices ----------------------------------------------------------------------

    def reset_scene(self) -> None:
        """Put the object back into the hand."""
        self._ask(p.ResetScene())

    def set_scene(self, scene: SceneSpec) -> None:
        """Change the object: at once if its shape stays, else with a new simulation."""
        before = self.config.scene.object
        self.config = replace(self.config, scene=scene)
        same = before is not None and scene.object is not None
        if same and before.shape == scene.object.shape and self.bridge.running:  # type: ignore[union-attr]
            self._built = self._essence()
            self.bridge.send(p.ResetScene(scene.object))
        elif self.bridge.armed:
            self.message.emit("Disarm first: another shape rebuilds the simulation", "warn")
        elif self.bridge.running:
            self.message.emit("The simulation is built again with the new object", "info")
            self.connect_hand_anew()

    def connect_hand_anew(self) -> None:
        """Start a new worker and connect."""
        self._built = None
        self.connect_hand()

    def set_wrist(self, wrist: WristProgram) -> None:
        """Turn the simulated wrist."""
        self.config = replace(self.config, scene=replace(self.config.scene, wrist=wrist))
        self._send_if_linked(p.SetWrist(wrist))

    def send_positions(self, positions: np.ndarray) -> None:
        """Forward the sliders."""
        self._send_if_linked(p.DeviceInput({"positions": [float(q) for q in positions]}))

    def reset_sliders(self) -> None:
        """Let the sliders start again from what the hand holds."""
        device = self.device
        if device is not None and device.manual and not device.keys:
            self._send_if_linked(p.DeviceInput({"reset": True}))

    def send_key(self, key: str, down: bool) -> None:
        """Forward a key to the manual device."""
        self._send_if_linked(p.DeviceInput({"key": key, "down": down}))

    def calibrate(self) -> None:
        """Calibrate the person's hand from the device."""
        self._ask(p.Calibrate())

    # ----------------------------------------------------------------------------------------

    def _release_keys(self) -> None:
        self._send_if_linked(p.DeviceInput({"release_all": True}))

    def _essence(self) -> p.SessionConfig:
        """Return what a running worker cannot change."""
        return replace(self.config, device="", controller="", parameters={})

    def _change(self, **changes: object) -> None:
        self.config = replace(self.config, **changes)  # type: ignore[arg-type]
        self.config_changed.emit(self.config)
        if not self._remember:
            return
        known = ("hand", "driver", "engine", "device", "controller")
        try:
            update_settings(**{k: v for k, v in changes.items() if k in known})
        except DexgenError as error:
            self.message.emit(str(error), "warn")

    def _send_if_linked(self, command: object) -> None:
        if self.bridge.running and self.bridge.state not in _IDLE:
            self.bridge.send(command)

    def _ask(self, command: object) -> None:
        if not self.bridge.running or self.bridge.state in _IDLE:
            self.message.emit("Connect the hand first (F2)", "warn")
        else:
            self.bridge.send(command)

    def _on_event(self, event: object) -> None:
        if isinstance(event, p.EpisodeChanged):
            self.episode = event.index if not event.mark else -1
        elif isinstance(event, p.RecordingStatus) and not event.active:
            self.episode = -1
        elif isinstance(event, p.ReplayStatus):
            self.replaying = None if event.phase == "done" else event
        elif isinstance(event, p.StateChanged) and event.state in _IDLE:
            self.replaying = None
