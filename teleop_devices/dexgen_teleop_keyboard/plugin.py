"""The plugin: declares the keyboard."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import InputKind, TeleopSpec


@hookimpl
def register_teleop_devices() -> list[TeleopSpec]:
    """Declare the device."""
    from dexgen_teleop_keyboard.keys import key_specs

    return [
        TeleopSpec(
            id="keyboard",
            title="Keyboard",
            kind=InputKind.JOINTS,
            factory="dexgen_teleop_keyboard.device:Keyboard",
            argument_help="mode at the start: synergy, joint or fingertip (synergy)",
            manual=True,
            keys=key_specs(),
            help="jogs joints, fingertips, and grasps",
        )
    ]
