"""The plugin: declares the scripted device."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import InputKind, TeleopSpec


@hookimpl
def register_teleop_devices() -> list[TeleopSpec]:
    """Declare the device."""
    return [
        TeleopSpec(
            id="script",
            title="Scripted motion",
            kind=InputKind.JOINTS,
            factory="dexgen_teleop_script.device:make_script",
            argument_help="amplitude as a share of the joints' ranges, 0 to 1 (0.1)",
            help="smooth synthetic motion that the seed determines",
        )
    ]
