"""The plugin: declares the direct controller."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import ControllerSpec, ParameterSpec


@hookimpl
def register_controllers() -> list[ControllerSpec]:
    """Declare the controller."""
    return [
        ControllerSpec(
            id="direct",
            title="Direct",
            factory="dexgen_controller_direct.controller:Direct",
            parameters=(
                ParameterSpec(
                    name="smoothing",
                    title="Smoothing",
                    default=0.0,
                    lower=0.0,
                    upper=0.5,
                    unit="s",
                    help="time constant of a low-pass filter on the targets; 0 passes them as is",
                ),
            ),
            help="the retargeted command goes to the hand as it is",
        )
    ]
