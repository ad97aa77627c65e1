"""The plugin: declares the sliders."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import InputKind, TeleopSpec


@hookimpl
def register_teleop_devices() -> list[TeleopSpec]:
    """Declare the device."""
    return [
        TeleopSpec(
            id="sliders",
            title="Sliders",
            kind=InputKind.JOINTS,
            factory="dexgen_teleop_sliders.device:Sliders",
            manual=True,
            help="a slider for every joint",
        )
    ]
