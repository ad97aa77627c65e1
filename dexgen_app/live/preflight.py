"""What is wrong with a session can often be said before a process is started for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dexgen_app.errors import DexgenError
from dexgen_app.live.controller_link import check_parameter
from dexgen_app.live.device_link import split_id
from dexgen_app.live.hand_link import SIM
from dexgen_app.live.parts import check_supported, find_driver
from dexgen_app.live.protocol import SessionConfig

if TYPE_CHECKING:
    from dexgen_app.plugins import PluginRegistry
    from dexgen_app.spec import ControllerSpec, HandSpec


def check_session(config: SessionConfig, registry: PluginRegistry) -> HandSpec:
    """Look up everything that a session names.

    Args:
        config: The session.
        registry: The installed plugins.

    Returns:
        The session's hand.

    Raises:
        DexgenError: There is no such hand, driver, device, controller or parameter, or the name
            of the profile cannot be one.
    """
    from dexgen_app.kinematics.calibration import profile_path

    hand = registry.find_hand(config.hand)
    driver, _ = split_id(config.driver)
    if driver != SIM:
        find_driver(hand, driver)
    registry.find_teleop(split_id(config.device)[0])
    controller = registry.find_controller(config.controller)
    check_supported(controller, hand)
    _check_parameters(config, controller)
    profile_path(config.profile)
    return hand


def _check_parameters(config: SessionConfig, controller: ControllerSpec) -> None:
    declared = {parameter.name: parameter for parameter in controller.parameters}
    for name, value in config.parameters.items():
        if name not in declared:
            raise DexgenError(
                "there is no such parameter",
                where=f"{controller.id}.{name}",
                remedy=f"Known: {', '.join(declared) or 'none'}",
            )
        check_parameter(declared[name], value)
