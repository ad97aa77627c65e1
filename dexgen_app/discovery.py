"""Which plugins are installed, and which of them may be imported."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import dexgen_app
from dexgen_app.errors import UnknownIdError
from dexgen_app.hookspecs import GROUP

DISTRIBUTION = "dexgen-app"
"""The distribution whose plugins are the built-in ones."""

LOAD_VARIABLE = "DEXGEN_LOAD_PLUGINS"
"""Environment variable that names the external plugins to load; empty means none."""


class PluginState(StrEnum):
    """What became of an installed plugin."""

    LOADED = "loaded"
    FAILED = "failed"
    """It raised, or what it declares is wrong; nothing of it is used."""
    INCOMPATIBLE = "incompatible"
    """It wants another version of dexgen-app; it was not imported."""
    DISABLED = "disabled"
    """The user switched it off; it was not imported."""
    SUSPENDED = "suspended"
    """It raised too often in this session and is not called any more."""


@dataclass(kw_only=True)
class PluginRecord:
    """What is known of one installed plugin.

    Attributes:
        name: Name of its entry point; ``distribution:name`` if the name was already taken.
        distribution: Name of the distribution that ships it.
        version: Version of that distribution.
        module: Value of its entry point.
        builtin: Whether it comes with dexgen-app itself.
        state: What became of it.
        reason: Why it is not loaded, in one line.
        traceback: Traceback of its newest error.
        import_ms: How long its import took [ms].
        hooks: Hooks that it implements.
        provides: Ids of what it declares, by kind (``hands``, ``panels``, ...).
        problems: What is wrong with it although it is loaded.
        errors: How often it raised in this session.
    """

    name: str
    distribution: str
    version: str
    module: str
    builtin: bool
    state: PluginState = PluginState.LOADED
    reason: str = ""
    traceback: str = ""
    import_ms: float = 0.0
    hooks: tuple[str, ...] = ()
    provides: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    errors: int = 0

    def answers_to(self, names: Iterable[str]) -> bool:
        """Tell whether one of ``names`` is this plugin's name or its distribution's."""
        mine = {normalize(self.name), normalize(self.distribution)}
        return any(normalize(name) in mine for name in names)

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        values = dict(vars(self))
        values["state"] = str(self.state)
        values["import_ms"] = round(self.import_ms, 2)
        return values


def normalize(name: str) -> str:
    """Spell a name as PEP 503 does: ``Dexgen_Hand.X`` becomes ``dexgen-hand-x``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def discover() -> Iterator[tuple[PluginRecord, EntryPoint]]:
    """Yield a record for every installed plugin, built-in ones first, imported nothing yet.

    Plugins are found by their entry point alone: how the distribution is spelt, and whether it
    is installed editable, makes no difference.
    """
    found = []
    for entry in entry_points(group=GROUP):
        distribution = entry.dist.name if entry.dist else "unknown"
        builtin = normalize(distribution) == DISTRIBUTION
        version = entry.dist.version if entry.dist else "unknown"
        found.append((not builtin, normalize(distribution), entry.name, version, entry))
    taken: set[str] = set()
    for external, _, name, version, entry in sorted(found, key=lambda item: item[:3]):
        distribution = entry.dist.name if entry.dist else "unknown"
        if normalize(name) in taken:
            name = f"{distribution}:{name}"
        taken.add(normalize(name))
        yield (
            PluginRecord(
                name=name,
                distribution=distribution,
                version=version,
                module=entry.value,
                builtin=not external,
            ),
            entry,
        )


def require_installed(names: Iterable[str]) -> None:
    """Check that every name is that of an installed plugin or of its distribution.

    Raises:
        UnknownIdError: One is not.
    """
    records = [record for record, _ in discover()]
    for name in names:
        if not any(record.answers_to([name]) for record in records):
            known = sorted(record.name for record in records)
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]}? " if close else ""
            raise UnknownIdError(
                f"there is no plugin {name!r}", remedy=f"{hint}There is: {', '.join(known)}"
            )


def refuse(
    record: PluginRecord, entry: EntryPoint, *, safe_mode: bool, disabled: Iterable[str]
) -> bool:
    """Set the state of a plugin that must not be imported; return whether it must not be."""
    wanted = os.environ.get(LOAD_VARIABLE)
    if record.answers_to(disabled):
        record.state, record.reason = PluginState.DISABLED, "disabled by the user"
    elif not record.builtin and safe_mode:
        record.state, record.reason = PluginState.DISABLED, "safe mode loads built-ins only"
    elif (
        not record.builtin
        and wanted is not None
        and not record.answers_to(name.strip() for name in wanted.split(",") if name.strip())
    ):
        record.state, record.reason = PluginState.DISABLED, f"not named in {LOAD_VARIABLE}"
    elif not record.builtin and (reason := _incompatibility(entry)):
        record.state, record.reason = PluginState.INCOMPATIBLE, reason
    else:
        return False
    return True


def _incompatibility(entry: EntryPoint) -> str:
    """Say which requirement on dexgen-app the running version does not meet, if any."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in (entry.dist.requires if entry.dist else None) or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            return f"its metadata has a requirement that cannot be read: {line}"
        if normalize(requirement.name) != DISTRIBUTION:
            continue
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if not requirement.specifier.contains(dexgen_app.__version__, prereleases=True):
            return f"it wants {line}, this is {DISTRIBUTION} {dexgen_app.__version__}"
    return ""
