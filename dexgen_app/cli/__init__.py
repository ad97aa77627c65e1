"""The command line: one file a subcommand.

Every module of this folder is a subcommand. It has ``HELP``, ``add_arguments(parser)`` and
``run(args) -> int``, and imports nothing heavy at its top. ``new_plugin.py`` is ``new-plugin``.
One with ``take_extra(args, words)`` is given the words that its parser does not know.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def core_commands() -> dict[str, str]:
    """Return the application's own subcommands: name to module name, sorted."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return {name.replace("_", "-"): f"{__name__}.{name}" for name in sorted(found)}


def load_command(name: str) -> ModuleType:
    """Import the module of one of the application's own subcommands."""
    return importlib.import_module(core_commands()[name])
