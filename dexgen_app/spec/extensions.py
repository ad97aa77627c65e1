"""What plugins declare. Factories are named as ``"module:attr"`` and imported only when used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dexgen_app.spec.samples import InputKind


@dataclass(frozen=True, kw_only=True)
class ParameterSpec:
    """A value that can be changed while a controller or skill runs.

    Attributes:
        name: Identifier in commands and recordings.
        title: Name on the screen.
        default: Value at the start; a number, or one of ``choices``.
        lower: Smallest number.
        upper: Largest number.
        choices: Allowed words, for a parameter that is not a number.
        unit: Unit on the screen.
        logarithmic: Whether a dial should be logarithmic.
        advanced: Whether the window shows it only on demand.
        help: One line for the tooltip and the command line.
    """

    name: str
    title: str
    default: float | str
    lower: float = 0.0
    upper: float = 1.0
    choices: tuple[str, ...] = ()
    unit: str = ""
    logarithmic: bool = False
    advanced: bool = False
    help: str = ""

    @property
    def is_switch(self) -> bool:
        """Whether the window shows it as a switch: it only goes on and off, and is not advanced."""
        return self.choices == ("on", "off") and not self.advanced


@dataclass(frozen=True, kw_only=True)
class DriverSpec:
    """A way to reach a hand that is not simulated. ``factory`` makes a ``HandDriver``."""

    id: str
    title: str
    factory: str
    probe: str = ""
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class KeySpec:
    """A key that a manual device understands, for the window's help and its buttons.

    Attributes:
        key: The key as the window sends it: a lower-case character, or a name such as ``up``.
        title: What it does, in a few words.
        group: Heading under which it is shown.
    """

    key: str
    title: str
    group: str = "Keys"


@dataclass(frozen=True, kw_only=True)
class TeleopSpec:
    """A teleoperation device.

    Attributes:
        id: Identifier, as in ``--device id:argument``.
        title: Name on the screen.
        kind: What its samples mean.
        factory: ``"module:attr"`` of a callable ``(TeleopContext) -> TeleopDevice``.
        probe: ``"module:attr"`` of a callable that lists usable arguments; may be empty.
        argument_help: What the text after the colon means; empty if there is none.
        manual: True for a device that the window itself feeds (keys, sliders).
        help: One line for the screen and the command line.
        keys: Keys that the window forwards to a manual device and shows as buttons.
    """

    id: str
    title: str
    kind: InputKind
    factory: str
    probe: str = ""
    argument_help: str = ""
    manual: bool = False
    help: str = ""
    keys: tuple[KeySpec, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ControllerSpec:
    """A controller between the retargeted command and the safety filter.

    Attributes:
        id: Identifier, as in ``--controller id``.
        title: Name on the screen.
        factory: ``"module:attr"`` of a callable ``(ControllerContext) -> Controller``.
        rate_hz: How often ``step`` is called; 0 means every tick. Slower outputs are
            interpolated at the loop's rate.
        reach_s: Time in which a slower output is reached on a straight line [s]; None takes the
            controller's whole period.
        parameters: What can be changed while it runs.
        hands: Hands it supports; empty means all.
        ready: ``"module:attr"`` of a callable ``(HandSpec) -> str`` that says why the controller
            cannot run on a hand, such as weights that are missing, or returns an empty text. The
            window calls it, so it imports nothing heavy. Empty if it always can.
        preferred: Whether the window takes it, where it is ready, until the person chooses one.
        try_first: One line for a newcomer: what shows best what it does.
        help: One line for the screen and the command line.
    """

    id: str
    title: str
    factory: str
    rate_hz: float = 0.0
    reach_s: float | None = None
    parameters: tuple[ParameterSpec, ...] = ()
    hands: tuple[str, ...] = ()
    ready: str = ""
    preferred: bool = False
    try_first: str = ""
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class SkillSpec:
    """A motion primitive that can be trained.

    Attributes:
        id: Identifier, as in ``dexgen-app train id``.
        title: Name on the screen.
        environment: ``"module:attr"`` of a callable that builds the batched environment.
        config: ``"module:attr"`` of its configuration dataclass.
        modes: Mode labels that its rollouts carry.
        hands: Hands it supports; empty means all.
        weights: Folder of trained policies that it ships, as ``package:relative/path``; a file
            ``HAND_ID.safetensors`` a hand. Grasps to watch it from may lie beside it as
            ``HAND_ID_grasps.safetensors``. Empty if there is none.
        help: One line for the screen and the command line.
    """

    id: str
    title: str
    environment: str
    config: str
    modes: tuple[str, ...] = ("default",)
    hands: tuple[str, ...] = ()
    weights: str = ""
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class PanelSpec:
    """A dock of the window. ``factory`` is called as ``factory(app)`` and returns a QWidget.

    Attributes:
        id: Identifier, also the dock's object name.
        title: Title of the dock.
        factory: ``"module:attr"``; imported when the panel is first shown.
        area: Side of the window where it appears.
        layouts: Layouts that show it at first: ``teleop``, ``train``, ``review``.
        icon: qtawesome name.
        controller: Id of the controller that it belongs to; choosing that one brings the panel
            to the front. Empty if it belongs to none.
    """

    id: str
    title: str
    factory: str
    area: Literal["left", "right", "bottom"] = "right"
    layouts: tuple[str, ...] = ("teleop",)
    icon: str = "mdi6.puzzle-outline"
    controller: str = ""


@dataclass(frozen=True, kw_only=True)
class ActionSpec:
    """An action in the menus and the command palette. ``run`` is called as ``run(app)``."""

    id: str
    title: str
    run: str
    shortcut: str = ""
    icon: str = ""
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class CommandSpec:
    """A subcommand of ``dexgen-app``.

    Attributes:
        name: The subcommand's name.
        module: Module with ``add_arguments(parser)`` and ``run(args) -> int``.
        help: One line for ``dexgen-app --help``.
    """

    name: str
    module: str
    help: str
