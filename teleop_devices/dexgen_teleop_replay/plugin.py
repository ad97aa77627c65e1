"""The plugin: declares the replay device."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import InputKind, TeleopSpec


@hookimpl
def register_teleop_devices() -> list[TeleopSpec]:
    """Declare the device."""
    return [
        TeleopSpec(
            id="replay",
            title="Recorded hand",
            kind=InputKind.LANDMARKS_21,
            factory="dexgen_teleop_replay.device:make_replay",
            probe="dexgen_teleop_replay.device:list_recordings",
            argument_help="CLIP.npy of shape (T, 21, 3) or SESSION.mcap, then ,rate=HZ ,loop=no",
            help="plays a clip of hand landmarks or an earlier session's input",
        )
    ]
