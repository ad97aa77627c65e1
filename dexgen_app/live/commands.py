"""What each command of the pipe does to the loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from dexgen_app.errors import DexgenError
from dexgen_app.live import protocol as p
from dexgen_app.live.calibrator import Calibrator
from dexgen_app.live.hand_link import HandFault, HandLink
from dexgen_app.live.loop import LiveLoop
from dexgen_app.live.replay_link import ReplayLink
from dexgen_app.live.row import SessionState


def handle(loop: LiveLoop, command: Any) -> None:
    """Carry out a command; what does not work becomes a ``Failure`` event."""
    handler = _HANDLERS.get(type(command))
    try:
        if handler is None:
            raise DexgenError(f"there is no command {type(command).__name__}")
        handler(loop, command)
    except HandFault as error:
        loop.fault(error)
    except DexgenError as error:
        loop.fail(error)


def _connected(loop: LiveLoop) -> HandLink:
    if loop.hand is None or not loop.machine.connected:
        raise DexgenError("no hand is connected", remedy="Connect first")
    return loop.hand


def _simulated(loop: LiveLoop) -> Any:
    hand = _connected(loop)
    if hand.real:
        raise DexgenError("the hand is not simulated", where=loop.spec.id)
    return hand.driver


def _disconnect(loop: LiveLoop, _command: p.Disconnect) -> None:
    loop.disconnect()


def _reset_stop(loop: LiveLoop, _command: p.ResetStop) -> None:
    loop.reset_stop()


def _select_device(loop: LiveLoop, command: p.SelectDevice) -> None:
    if loop.hand is None:
        loop.config = replace(loop.config, device=command.device)
    else:
        loop.select_device(command.device)


def _select_controller(loop: LiveLoop, command: p.SelectController) -> None:
    if loop.hand is None:
        loop.config = replace(loop.config, controller=command.controller)
    else:
        loop.select_controller(command.controller)


def _set_parameter(loop: LiveLoop, command: p.SetParameter) -> None:
    if loop.controller is None:
        raise DexgenError("no controller runs", where=command.name, remedy="Choose one")
    loop.controller.set_parameter(command.name, command.value)
    values = {**loop.config.parameters, **loop.controller.parameters}
    loop.config = replace(loop.config, parameters=values)
    loop.recording.note("parameter", name=command.name, value=command.value)


def _device_input(loop: LiveLoop, command: p.DeviceInput) -> None:
    if loop.device is not None:
        loop.device.handle_input(command.payload)


def _reset_scene(loop: LiveLoop, command: p.ResetScene) -> None:
    driver = _simulated(loop)
    loop.disarm("the scene was reset")
    driver.reset_scene(command.object)
    if command.object is not None:
        loop.config = replace(loop.config, scene=replace(loop.config.scene, object=command.object))
    loop.restarted = True
    loop.recording.note("scene", reset=True, **_scene(loop))


def _set_wrist(loop: LiveLoop, command: p.SetWrist) -> None:
    _simulated(loop).set_wrist(command.wrist)
    loop.config = replace(loop.config, scene=replace(loop.config.scene, wrist=command.wrist))
    loop.recording.note("scene", **_scene(loop))


def _scene(loop: LiveLoop) -> dict[str, Any]:
    return asdict(loop.config.scene)


def _calibrate(loop: LiveLoop, _command: p.Calibrate) -> None:
    _connected(loop)
    loop.disarm("the hand is being measured")
    loop.calibrator = Calibrator(loop.spec, loop.config.profile, loop.report)


def _start_recording(loop: LiveLoop, command: p.StartRecording) -> None:
    _connected(loop)
    loop.recording.start(command.path, loop.config)


def _start_episode(loop: LiveLoop, _command: p.StartEpisode) -> None:
    _connected(loop)
    loop.recording.start("", loop.config)
    loop.recording.begin_episode()


def _start_replay(loop: LiveLoop, command: p.StartReplay) -> None:
    _connected(loop)
    loop.stop_replay()
    loop.replay = ReplayLink(command, loop.spec, loop.report)
    loop.filter.restart_ramp()
    loop.restarted = True
    loop.recording.note("replay", **asdict(command))


def _pause_replay(loop: LiveLoop, command: p.PauseReplay) -> None:
    if loop.replay is not None:
        loop.replay.pause(command.paused)


def _shutdown(loop: LiveLoop, _command: p.Shutdown) -> None:
    if loop.machine.state != SessionState.DISCONNECTED:
        loop.disconnect("the application ended the session")
    loop.closing = True


_HANDLERS: dict[type, Callable[[LiveLoop, Any], None]] = {
    p.Connect: lambda loop, _command: loop.connect(),
    p.Disconnect: _disconnect,
    p.Arm: lambda loop, _command: loop.arm(),
    p.Disarm: lambda loop, _command: loop.disarm("disarmed"),
    p.Stop: lambda loop, _command: loop.stop("STOP was pressed"),
    p.ResetStop: _reset_stop,
    p.SelectDevice: _select_device,
    p.SelectController: _select_controller,
    p.SetParameter: _set_parameter,
    p.DeviceInput: _device_input,
    p.ResetScene: _reset_scene,
    p.SetWrist: _set_wrist,
    p.Calibrate: _calibrate,
    p.StartRecording: _start_recording,
    p.StopRecording: lambda loop, _command: loop.recording.stop(),
    p.StartEpisode: _start_episode,
    p.EndEpisode: lambda loop, command: loop.recording.end_episode(command.mark),
    p.Annotate: lambda loop, command: loop.recording.note("note", text=command.text),
    p.StartReplay: _start_replay,
    p.PauseReplay: _pause_replay,
    p.StopReplay: lambda loop, _command: loop.stop_replay(),
    p.Shutdown: _shutdown,
}
