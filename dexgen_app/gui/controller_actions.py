"""What the keyboard and the palette do with the running controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dexgen_app.gui.actions import ActionInfo
from dexgen_app.gui.parameters import SWITCH_KEY

if TYPE_CHECKING:
    from dexgen_app.gui.window import MainWindow


def controller_keys(window: MainWindow) -> tuple[ActionInfo, ...]:
    """Return the actions that have a key: for the controller that runs, whichever it is."""
    keys = (
        ("switch", "Controller on or off", "switch", 1, SWITCH_KEY, "mdi6.toggle-switch"),
        ("more", "Controller: more guidance", "slider", 1, "Ctrl+Up", "mdi6.plus-circle-outline"),
        (
            "less",
            "Controller: less guidance",
            "slider",
            -1,
            "Ctrl+Down",
            "mdi6.minus-circle-outline",
        ),
        ("mode", "Controller: next mode", "chooser", 1, "Ctrl+M", "mdi6.shape-outline"),
    )
    return tuple(
        ActionInfo(
            id=f"controller.key_{name}",
            title=title,
            menu="Session",
            shortcut=shortcut,
            icon=icon,
            separator=name == "switch",
            run=lambda k=kind, d=direction: step(window, k, d),
        )
        for name, title, kind, direction, shortcut, icon in keys
    )


def controller_words(window: MainWindow) -> tuple[ActionInfo, ...]:
    """Return an action for every word that a parameter of any controller can have."""
    return tuple(
        ActionInfo(
            id=f"controller.{id}.{parameter.name}.{choice}",
            title=f"{spec.title}: {parameter.title} {choice}",
            icon="mdi6.tune",
            help=parameter.help,
            run=lambda i=id, n=parameter.name, c=choice: choose(window, i, n, c),
        )
        for id, spec in window.registry.controllers.items()
        for parameter in spec.parameters
        for choice in parameter.choices
    )


def step(window: MainWindow, kind: str, direction: int) -> None:
    """Change the first ``switch``, ``slider`` or ``chooser`` of the running controller."""
    dial = window.parameters.find(kind)
    if dial is None:
        what = {"switch": "switch", "slider": "dial", "chooser": "modes"}[kind]
        spec = window.operator.controller
        window.toasts.show(f"{spec.title if spec else 'The controller'} has no {what}", "info")
        return
    window.toasts.show(dial.step(direction), "info")


def choose(window: MainWindow, controller: str, name: str, choice: str) -> None:
    """Give a parameter a word; changes to its controller first."""
    if window.operator.config.controller != controller:
        window.operator.choose_controller(controller)
    if window.operator.config.controller == controller:
        window.operator.set_parameter(name, choice)
        window.parameters.show_values({name: choice})
