"""``dexgen-app plugins``: lists the installed plugins and switches them on and off."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dexgen_app.plugins import PluginRecord, PluginRegistry

HELP = "list the plugins, why one did not load, and switch them on or off"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app plugins``."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verbose", action="store_true", help="print tracebacks and hooks")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--enable", dest="switch_on", metavar="NAME", help="load it from now on")
    group.add_argument("--disable", dest="switch_off", metavar="NAME", help="load it no more")


def run(args: argparse.Namespace) -> int:
    """Print the plugins; change the settings first if asked to."""
    from dexgen_app.plugins import PluginRegistry

    if args.switch_on or args.switch_off:
        _switch(args.switch_on or args.switch_off, on=bool(args.switch_on))
    registry = PluginRegistry.load(args.safe_mode, args.disable)
    if args.json:
        print(json.dumps([record.as_dict() for record in registry.records], indent=2))
    else:
        print(format_table(registry, verbose=args.verbose))
    return 0


def format_table(registry: PluginRegistry, verbose: bool = False) -> str:
    """Return the table of plugins that ``dexgen-app plugins`` prints."""
    rows = [("PLUGIN", "STATE", "VERSION", "FROM", "IMPORT")]
    for record in registry.records:
        origin = "built-in" if record.builtin else record.distribution
        spent = f"{record.import_ms:.0f} ms" if record.import_ms else "-"
        rows.append((record.name, str(record.state), record.version, origin, spent))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for index, row in enumerate(rows):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if index:
            lines += [f"    {line}" for line in _details(registry.records[index - 1], verbose)]
    if not registry.records:
        lines.append("No plugin is installed, not even a built-in one: reinstall dexgen-app.")
    return "\n".join(lines)


def _details(record: PluginRecord, verbose: bool) -> list[str]:
    lines = [f"{kind.replace('_', ' ')}: {', '.join(ids)}" for kind, ids in record.provides.items()]
    if record.reason:
        lines += textwrap.wrap(f"why: {record.reason}", 96, subsequent_indent="     ")
    lines += [f"problem: {problem}" for problem in record.problems]
    if verbose:
        lines.append(f"module: {record.module}; hooks: {', '.join(record.hooks) or 'none'}")
        lines += record.traceback.splitlines()
    return lines


def _switch(name: str, on: bool) -> None:
    """Put a plugin on the settings' list of disabled ones, or take it off.

    Raises:
        DexgenError: No such plugin is installed, or the settings cannot be written.
    """
    from dexgen_app.discovery import discover, normalize
    from dexgen_app.plugins import PluginRegistry
    from dexgen_app.settings import load_settings, update_settings

    disabled = load_settings().disabled_plugins
    if on and any(normalize(name) == normalize(entry) for entry in disabled):
        # Also a plugin that is no longer installed can leave the list.
        keep = tuple(entry for entry in disabled if normalize(entry) != normalize(name))
        update_settings(disabled_plugins=keep)
        return
    registry = PluginRegistry()
    registry.records = [record for record, _ in discover()]
    by_distribution = [r for r in registry.records if normalize(r.distribution) == normalize(name)]
    if len(by_distribution) == 1:
        record = by_distribution[0]
    else:
        record = registry.record(name)
    if on:
        keep = tuple(entry for entry in disabled if not record.answers_to([entry]))
        update_settings(disabled_plugins=keep)
    elif not record.answers_to(disabled):
        update_settings(disabled_plugins=(*disabled, record.name))
