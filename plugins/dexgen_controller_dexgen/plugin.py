"""Declares the controller, its panel and its subcommands."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import CommandSpec, ControllerSpec, PanelSpec
from dexgen_controller_dexgen.parameters import CONTROL_HZ, PARAMETERS


@hookimpl
def register_controllers() -> list[ControllerSpec]:
    """Declare DexGen."""
    return [
        ControllerSpec(
            id="dexgen",
            title="DexGen",
            factory="dexgen_controller_dexgen.controller:DexGenController",
            rate_hz=CONTROL_HZ,
            # As in its data: a slow ramp would look to it as if something resisted the fingers.
            reach_s=0.02,
            parameters=PARAMETERS,
            hands=("allegro_right", "allegro_left"),
            ready="dexgen_controller_dexgen.shipped:missing",
            preferred=True,
            try_first="Drag joints to throw the cube away: DexGen holds it",
            help="keeps the object in the hand and follows the command as far as that allows",
        )
    ]


@hookimpl
def register_panels() -> list[PanelSpec]:
    """Declare the panel that shows how far the controller departs from the command."""
    return [
        PanelSpec(
            id="dexgen_departure",
            title="DexGen",
            factory="dexgen_controller_dexgen.panel:DeparturePanel",
            area="right",
            layouts=("teleop",),
            icon="mdi6.hand-back-right-outline",
            controller="dexgen",
        )
    ]


@hookimpl
def register_commands() -> list[CommandSpec]:
    """Declare ``dataset``, ``distill``, ``learn-risk``, ``bench`` and ``build-controller``."""
    return [
        CommandSpec(
            name="dataset",
            module="dexgen_controller_dexgen.commands.dataset",
            help="make, describe and check datasets of transitions",
        ),
        CommandSpec(
            name="distill",
            module="dexgen_controller_dexgen.commands.distill",
            help="train a controller on a dataset of transitions",
        ),
        CommandSpec(
            name="learn-risk",
            module="dexgen_controller_dexgen.commands.learn_risk",
            help="teach a controller to foresee drops, from its own trials",
        ),
        CommandSpec(
            name="bench",
            module="dexgen_controller_dexgen.commands.bench",
            help="measure how long objects are held under spoiled commands",
        ),
        CommandSpec(
            name="build-controller",
            module="dexgen_controller_dexgen.commands.build",
            help="make a controller from nothing: grasps, expert, dataset, training, benchmark",
        ),
    ]
