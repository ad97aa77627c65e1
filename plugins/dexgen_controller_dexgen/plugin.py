"""Declares the controller's subcommands."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import CommandSpec


@hookimpl
def register_commands() -> list[CommandSpec]:
    """Declare ``dexgen-app dataset``, ``bench`` and ``build-controller``."""
    return [
        CommandSpec(
            name="dataset",
            module="dexgen_controller_dexgen.commands.dataset",
            help="make, describe and check datasets of transitions",
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
