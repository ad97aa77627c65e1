"""What the card of the first start tells a newcomer to do."""

from __future__ import annotations

from dexgen_app.gui.parameters import SWITCH_KEY
from dexgen_app.spec import ControllerSpec, TeleopSpec


def first_steps(
    device: TeleopSpec | None, controller: ControllerSpec | None
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the card's title and its steps, each an identifier and a text.

    Args:
        device: The chosen device.
        controller: The chosen controller.
    """
    steps = [
        ("arm", "Press Arm  (F3)"),
        ("hold", "Hold Space: the hand moves only while you do"),
    ]
    if device is None or not device.manual:
        steps.insert(0, ("device", "Choose Sliders or Keyboard as the device"))
    if controller is None or not controller.try_first:
        steps.append(("drive", "Drag a joint's bar, or press the device's keys"))
        return "Drive the simulated hand", tuple(steps)
    steps.append(("drive", controller.try_first))
    if any(parameter.is_switch for parameter in controller.parameters):
        text = f"{SWITCH_KEY} switches {controller.title} off: try again.  F4 starts over"
        steps.append(("switch", text))
    return f"Meet {controller.title}", tuple(steps)
