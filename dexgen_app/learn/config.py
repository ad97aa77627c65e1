"""Configurations as plain values: saved beside what they made, restored, changed from a shell."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Sequence
from typing import Any

from dexgen_app.errors import InputError


def to_plain(config: Any) -> Any:
    """Return a configuration dataclass as values that JSON can hold."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def from_plain(cls: type, values: dict[str, Any]) -> Any:
    """Build a configuration dataclass from what ``to_plain`` made.

    Args:
        cls: The dataclass.
        values: Field values; missing fields keep their default.

    Raises:
        InputError: A field is unknown or a value does not fit.
    """
    every = typing.get_type_hints(cls)
    hints = {field.name: every[field.name] for field in dataclasses.fields(cls)}
    unknown = set(values) - set(hints)
    if unknown:
        raise InputError(
            f"{cls.__name__} has no field {', '.join(sorted(unknown))}",
            remedy=f"It has {', '.join(hints)}",
        )
    restored = {name: _restore(hints[name], value, name) for name, value in values.items()}
    try:
        return cls(**restored)
    except (TypeError, ValueError) as error:
        raise InputError(str(error), where=cls.__name__) from error


def override(config: Any, settings: Sequence[str]) -> Any:
    """Return a configuration with some fields changed.

    Args:
        config: A frozen configuration dataclass.
        settings: Texts ``field=value`` or ``field.field=value``; values are JSON, and anything
            that is not JSON is taken as a word. A class attribute ``presets`` gives words for
            whole tables, by field: ``{"reward": {"calm": RewardWeights(...)}}``.

    Raises:
        InputError: A text is not of that form, a field is unknown or a value does not fit.
    """
    plain = to_plain(config)
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise InputError(f"{setting!r} is not of the form field=value", where="--set")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        node = plain
        *parents, last = name.strip().split(".")
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if not isinstance(node, dict) or last not in node:
            raise InputError(
                f"{type(config).__name__} has no field {name.strip()}",
                where="--set",
                remedy=f"It has {', '.join(plain)}",
            )
        node[last] = _preset(config, last, value) if isinstance(node[last], dict) else value
    return from_plain(type(config), plain)


def _preset(config: Any, name: str, value: Any) -> Any:
    """Return the table that a word stands for; anything else as it is."""
    known = getattr(type(config), "presets", {}).get(name)
    if not known or not isinstance(value, str):
        return value
    if value not in known:
        raise InputError(
            f"there is no {name} {value!r}", where="--set", remedy=f"Use {', '.join(known)}"
        )
    return to_plain(known[value])


def _restore(hint: Any, value: Any, name: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        options = [a for a in typing.get_args(hint) if a is not type(None)]
        return None if value is None else _restore(options[0], value, name)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise InputError(f"{name} must be a table of fields, not {value!r}")
        return from_plain(typing.cast(type, hint), value)
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            known = ", ".join(str(option) for option in typing.get_args(hint))
            raise InputError(f"{name} cannot be {value!r}", remedy=f"Use {known}")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise InputError(f"{name} must be a list, not {value!r}")
        return tuple(_restore(typing.get_args(hint)[0], item, name) for item in value)
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint in (int, float, bool, str) and type(value) is not hint:
        raise InputError(f"{name} must be a {hint.__name__}, not {value!r}")
    return value
