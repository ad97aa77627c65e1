"""Every hook that a plugin can implement. The guide is ``docs/plugin_hooks.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from dexgen_app.spec import (
        ActionSpec,
        CommandSpec,
        ControllerSpec,
        HandSpec,
        PanelSpec,
        SkillSpec,
        TeleopSpec,
    )

API_VERSION = (1, 0)
"""Major and minor version of the hooks and of ``dexgen_app.spec``."""

GROUP = "dexgen"
"""Name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def register_hands() -> list[HandSpec]:
    """Declare hands."""


@hookspec
def register_teleop_devices() -> list[TeleopSpec]:
    """Declare teleoperation devices."""


@hookspec
def register_controllers() -> list[ControllerSpec]:
    """Declare controllers."""


@hookspec
def register_skills() -> list[SkillSpec]:
    """Declare motion primitives that can be trained."""


@hookspec
def register_panels() -> list[PanelSpec]:
    """Declare docks of the window."""


@hookspec
def register_actions() -> list[ActionSpec]:
    """Declare actions for the menus and the command palette."""


@hookspec
def register_commands() -> list[CommandSpec]:
    """Declare subcommands of ``dexgen-app``."""


@hookspec
def on_app_ready(app: Any) -> None:
    """Be told that the window is shown."""


@hookspec
def on_session_state(app: Any, state: str) -> None:
    """Be told that the live session changed its state."""


@hookspec
def on_episode_saved(app: Any, path: Path, episode: int, mark: str) -> None:
    """Be told that an episode was ended and marked."""


@hookspec(firstresult=True)
def check_arming(hand: HandSpec, driver: str) -> str | None:
    """Refuse arming by returning a reason; called in the worker."""
