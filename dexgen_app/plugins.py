"""Loads plugins, checks what they declare and keeps their errors from spreading.

A plugin is used whole or not at all: one that raises while it is loaded, misspells a hook or
declares something malformed is FAILED and nothing of it is used. The single exception is an id
that somebody else took first: the first keeps it, the plugin's other declarations are used.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

import pluggy

from dexgen_app import hookspecs
from dexgen_app.discovery import PluginRecord, PluginState, discover, refuse
from dexgen_app.errors import DexgenError, PluginError, UnknownIdError
from dexgen_app.spec import (
    ActionSpec,
    CommandSpec,
    ControllerSpec,
    HandSpec,
    PanelSpec,
    SkillSpec,
    TeleopSpec,
)

__all__ = ["PluginRecord", "PluginRegistry", "PluginState", "load_object"]

MAX_ERRORS = 3
"""Errors after which a plugin is suspended for the session."""

TRACE_VARIABLE = "DEXGEN_TRACE_HOOKS"
"""Environment variable that prints every hook call when it is 1."""

_KINDS: dict[str, type] = {
    "hands": HandSpec,
    "teleop_devices": TeleopSpec,
    "controllers": ControllerSpec,
    "skills": SkillSpec,
    "panels": PanelSpec,
    "actions": ActionSpec,
    "commands": CommandSpec,
}
_REFERENCES = ("factory", "probe", "environment", "config", "run")
_HOOK_PREFIXES = ("register_", "on_", "check_")

log = logging.getLogger(__name__)
Spec = TypeVar("Spec")


def load_object(reference: str) -> Any:
    """Import the object that ``reference`` names.

    Args:
        reference: ``"module:attr"``, where ``attr`` may be dotted.

    Raises:
        PluginError: The reference is malformed or nothing of that name exists.
    """
    module, _, path = reference.partition(":")
    if not module or not path:
        raise PluginError(
            f"{reference!r} is not of the form module:attr", remedy="Correct the plugin"
        )
    try:
        found: Any = importlib.import_module(module)
        for attribute in path.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"cannot import {reference}: {error}", remedy="Correct or reinstall the plugin"
        ) from error
    return found


class PluginRegistry:
    """Everything that the installed plugins offer.

    Attributes:
        records: One record for each installed plugin, built-in ones first.
        hands: Hands by id.
        teleop_devices: Teleoperation devices by id.
        controllers: Controllers by id.
        skills: Skills by id.
        panels: Panels by id.
        actions: Actions by id.
        commands: Subcommands by name.
    """

    def __init__(self) -> None:
        self.records: list[PluginRecord] = []
        self.hands: dict[str, HandSpec] = {}
        self.teleop_devices: dict[str, TeleopSpec] = {}
        self.controllers: dict[str, ControllerSpec] = {}
        self.skills: dict[str, SkillSpec] = {}
        self.panels: dict[str, PanelSpec] = {}
        self.actions: dict[str, ActionSpec] = {}
        self.commands: dict[str, CommandSpec] = {}
        self._owners: dict[str, PluginRecord] = {}
        self._manager = pluggy.PluginManager(hookspecs.GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._trace = os.environ.get(TRACE_VARIABLE) == "1"

    @classmethod
    def load(cls, safe_mode: bool = False, disabled: Iterable[str] = ()) -> PluginRegistry:
        """Find, check and load every installed plugin. Never raises because of a plugin.

        Args:
            safe_mode: Load the built-in plugins only.
            disabled: Plugins or distributions that are not loaded, beside those that the
                settings disable.
        """
        from dexgen_app.settings import load_settings

        registry = cls()
        off = {*disabled, *load_settings().disabled_plugins}
        for record, entry in discover():
            registry.records.append(record)
            if not refuse(record, entry, safe_mode=safe_mode, disabled=off):
                registry._load(record, entry)
            if record.state in (PluginState.FAILED, PluginState.INCOMPATIBLE):
                log.warning("plugin %s is %s: %s", record.name, record.state, record.reason)
            for problem in record.problems:
                log.warning("plugin %s: %s", record.name, problem)
        return registry

    # Looking up -------------------------------------------------------------------------------

    def record(self, name: str) -> PluginRecord:
        """Return the record of the plugin ``name``.

        Raises:
            UnknownIdError: No such plugin is installed.
        """
        return self._find("plugin", name, {record.name: record for record in self.records})

    def find_hand(self, name: str) -> HandSpec:
        """Return the hand whose id or alias is ``name``; raise UnknownIdError if there is none."""
        aliases = {alias: hand for hand in self.hands.values() for alias in reversed(hand.aliases)}
        return self._find("hand", name, {**aliases, **self.hands})

    def find_teleop(self, name: str) -> TeleopSpec:
        """Return the device whose id is ``name``; raise UnknownIdError if there is none."""
        return self._find("teleoperation device", name, self.teleop_devices)

    def find_controller(self, name: str) -> ControllerSpec:
        """Return the controller whose id is ``name``; raise UnknownIdError if there is none."""
        return self._find("controller", name, self.controllers)

    def find_skill(self, name: str) -> SkillSpec:
        """Return the skill whose id is ``name``; raise UnknownIdError if there is none."""
        return self._find("skill", name, self.skills)

    def _find(self, kind: str, name: str, known: dict[str, Spec]) -> Spec:
        if name in known:
            return known[name]
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        offer = f"There is: {', '.join(sorted(known))}" if known else "None is installed"
        missing = [
            f"{record.name} ({record.state})"
            for record in self.records
            if record.state is not PluginState.LOADED
        ]
        lost = f". Plugins not loaded: {', '.join(missing)}" if missing else ""
        raise UnknownIdError(f"there is no {kind} {name!r}", remedy=f"{hint}{offer}{lost}")

    # Calling ----------------------------------------------------------------------------------

    def follow(self, kind: str, id: str, *, suspended: bool, reason: str = "") -> None:
        """Note what became of a plugin in another process, where it raised too often or recovered.

        Args:
            kind: Kind of the part that raised, such as ``teleop_devices``, or ``plugins``.
            id: Its id, or the plugin's name.
            suspended: Whether it is not called any more there.
            reason: Why, for the user.
        """
        for record in self.records:
            mine = (record.name,) if kind == "plugins" else record.provides.get(kind, ())
            if id not in mine:
                continue
            if suspended and record.state is PluginState.LOADED:
                record.state = PluginState.SUSPENDED
                record.reason = f"{id}: {reason}" if id != record.name else reason
            own = record.errors >= MAX_ERRORS  # suspended here, whatever happens elsewhere
            if not suspended and record.state is PluginState.SUSPENDED and not own:
                record.state, record.reason = PluginState.LOADED, ""

    def build(self, factory: str, *args: Any, owner_id: str = "", **kwargs: Any) -> Any:
        """Import ``factory`` and call it with the remaining arguments.

        Args:
            factory: ``"module:attr"`` of a callable.
            *args: Positional arguments of the callable.
            owner_id: Plugin or declared id that is blamed if no plugin declared ``factory``.
            **kwargs: Keyword arguments of the callable.

        Raises:
            PluginError: It cannot be imported or raised, or its plugin is suspended.
            DexgenError: The factory's own message for the user, unchanged.
        """
        record = self._owners.get(factory) or self._owners.get(owner_id)
        name = f"plugin {record.name}" if record else owner_id or factory
        if record and record.state is PluginState.SUSPENDED:
            raise PluginError(
                f"it is suspended: {record.reason}", where=name, remedy="Restart the application"
            )
        try:
            return load_object(factory)(*args, **kwargs)
        except PluginError as error:
            self._note_error(record, error)
            raise PluginError(error.what, where=name, remedy=error.remedy) from error
        except DexgenError:
            raise
        except (Exception, SystemExit) as error:
            self._note_error(record, error)
            what = f"{factory} raised {type(error).__name__}: {error}"
            remedy = "Report it to the plugin's author, or disable it: dexgen-app plugins --disable"
            raise PluginError(what, where=name, remedy=remedy) from error

    def notify(self, hook: str, **kwargs: Any) -> None:
        """Call the ``on_*`` hook of every plugin; errors are logged and counted, never raised."""
        for record, function, names in self._implementations(hook):
            try:
                result = function(**{name: kwargs[name] for name in names})
                self._print_call(record, hook, kwargs, result)
            except (Exception, SystemExit) as error:
                self._note_error(record, error)

    def check(self, hook: str, **kwargs: Any) -> str | None:
        """Return the first reason that a plugin's ``check_*`` hook gives, or None.

        A plugin that raises refuses: a check that cannot be made is no permission.
        """
        for record, function, names in self._implementations(hook):
            try:
                reason = function(**{name: kwargs[name] for name in names})
                self._print_call(record, hook, kwargs, reason)
            except (Exception, SystemExit) as error:
                self._note_error(record, error)
                reason = f"{hook} raised {type(error).__name__}: {error}"
            if reason is not None:
                return f"plugin {record.name}: {reason}"
        return None

    def _implementations(
        self, hook: str
    ) -> Iterator[tuple[PluginRecord, Callable[..., Any], tuple[str, ...]]]:
        by_name = {record.name: record for record in self.records}
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        for implementation in reversed(caller.get_hookimpls()):
            record = by_name[implementation.plugin_name]
            if record.state is PluginState.LOADED:
                yield record, implementation.function, tuple(implementation.argnames)

    def _note_error(self, record: PluginRecord | None, error: BaseException) -> None:
        text = "".join(traceback.format_exception(error))
        if record is None:
            log.error("%s", text)
            return
        record.errors += 1
        record.traceback = text
        log.error("plugin %s raised %s: %s", record.name, type(error).__name__, error)
        log.debug("%s", text)
        if record.errors >= MAX_ERRORS and record.state is PluginState.LOADED:
            record.state = PluginState.SUSPENDED
            record.reason = f"{record.errors} errors, the last {type(error).__name__}: {error}"
            log.error("plugin %s is suspended: %s", record.name, record.reason)

    def _print_call(self, record: PluginRecord, hook: str, kwargs: Any, result: Any) -> None:
        if self._trace:
            words = ", ".join(f"{name}={value!r}"[:80] for name, value in kwargs.items())
            print(f"hook {record.name}.{hook}({words}) -> {result!r}"[:400], file=sys.stderr)

    # Loading ----------------------------------------------------------------------------------

    def _load(self, record: PluginRecord, entry: EntryPoint) -> None:
        try:
            start = time.monotonic_ns()
            plugin = entry.load()
            record.import_ms = (time.monotonic_ns() - start) * 1e-6
            _check_names(plugin)
            self._manager.register(plugin, record.name)
            callers = self._manager.get_hookcallers(plugin) or []
            record.hooks = tuple(sorted(caller.name for caller in callers))
            declared = {kind: self._declared(record, kind) for kind in _KINDS}
            for kind, specs in declared.items():
                self._offer(record, kind, specs)
        except KeyboardInterrupt:
            raise
        # A plugin may call sys.exit or raise anything else while it is imported.
        except BaseException as error:
            record.state = PluginState.FAILED
            name = "" if isinstance(error, DexgenError) else f"{type(error).__name__}: "
            record.reason = " ".join(f"{name}{error}".split())
            record.traceback = "".join(traceback.format_exception(error))
            if self._manager.has_plugin(record.name):
                self._manager.unregister(name=record.name)

    def _declared(self, record: PluginRecord, kind: str) -> list[Any]:
        """Return what a plugin declares of a kind.

        Raises:
            PluginError: It declares something malformed.
        """
        hook = f"register_{kind}"
        specs: list[Any] = []
        for owner, function, _ in self._implementations(hook):
            if owner is not record:
                continue
            result = function()
            self._print_call(record, hook, {}, result)
            if not isinstance(result, (list, tuple)):
                raise PluginError(f"{hook} returned {type(result).__name__}, not a list")
            specs.extend(result)
        for spec in specs:
            _check_spec(hook, spec, _KINDS[kind])
        return specs

    def _offer(self, record: PluginRecord, kind: str, specs: list[Any]) -> None:
        known: dict[str, Any] = getattr(self, kind)
        taken = _core_commands() if kind == "commands" else ()
        ids = []
        for spec in specs:
            key = _key(spec)
            if key in known or key in taken:
                owner = self._owner_of(kind, key)
                record.problems.append(f"{kind} id {key!r} is taken by {owner}; that one is kept")
                continue
            known[key] = spec
            ids.append(key)
            self._owners.setdefault(key, record)
            for reference in _references(spec):
                self._owners.setdefault(reference, record)
        if ids:
            record.provides[kind] = tuple(ids)
        self._owners.setdefault(record.name, record)

    def _owner_of(self, kind: str, key: str) -> str:
        owners = [r.name for r in self.records if key in r.provides.get(kind, ())]
        return f"plugin {owners[0]}" if owners else "dexgen-app or by this plugin itself"


def _key(spec: Any) -> str:
    return spec.name if isinstance(spec, CommandSpec) else spec.id


def _references(spec: Any) -> list[str]:
    parts = [spec, *spec.drivers] if isinstance(spec, HandSpec) else [spec]
    values = [getattr(part, name, "") for part in parts for name in _REFERENCES]
    return [value for value in values if value]


def _core_commands() -> tuple[str, ...]:
    from dexgen_app.cli import core_commands

    return tuple(core_commands())


def _check_spec(hook: str, spec: Any, wanted: type) -> None:
    if not isinstance(spec, wanted):
        raise PluginError(f"{hook} returned a {type(spec).__name__}, not a {wanted.__name__}")
    key = _key(spec)
    if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", key):
        raise PluginError(
            f"{hook}: the id {key!r} is not made of letters, digits, dots, hyphens and underscores"
        )
    for reference in _references(spec):
        if not re.fullmatch(r"[\w.]+:[\w.]+", reference):
            raise PluginError(f"{hook}: {key}: {reference!r} is not of the form module:attr")


def _check_names(plugin: Any) -> None:
    """Raise PluginError for a hook that nobody would call.

    That is a marked function whose name is no hook, a hook without its mark, and an unmarked
    function whose name nearly is a hook's; other helpers may be called what they like.
    """
    known = [name for name in vars(hookspecs) if name.startswith(_HOOK_PREFIXES)]
    for name, value in inspect.getmembers(plugin, inspect.isroutine):
        marked = hasattr(value, f"{hookspecs.GROUP}_impl")
        if name in known:
            if not marked and getattr(value, "__module__", "") == getattr(plugin, "__name__", ""):
                raise PluginError(f"the hook {name} lacks its @hookimpl mark")
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.6 if marked else 0.88)
        hint = f"; did you mean {close[0]}?" if close else f"; hooks are {', '.join(known)}"
        if marked or (close and name.startswith(_HOOK_PREFIXES)):
            raise PluginError(f"there is no hook {name}{hint}")
