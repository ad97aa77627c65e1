"""The page about hooks has every hook with its exact arguments, and no other."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from dexgen_app import hookspecs
from dexgen_app.discovery import PluginState
from dexgen_app.plugins import _KINDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plugin_hooks.md"


def hooks() -> dict[str, str]:
    """Return every hook's name and its signature without types."""
    return {
        name: f"{name}({', '.join(inspect.signature(function).parameters)})"
        for name, function in vars(hookspecs).items()
        if hasattr(function, f"{hookspecs.GROUP}_spec")
    }


def test_every_hook_with_its_arguments_is_a_heading_and_vice_versa() -> None:
    headings = re.findall(r"^#{2,4} `?(\w+\(.*\))`?$", PAGE.read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(hooks().values())


def test_every_hook_has_a_docstring_and_a_known_prefix() -> None:
    for name in hooks():
        assert inspect.getdoc(getattr(hookspecs, name)), name
        assert name.startswith(("register_", "on_", "check_"))


def test_every_register_hook_is_read_and_names_its_specs() -> None:
    registers = {name for name in hooks() if name.startswith("register_")}
    assert registers == {f"register_{kind}" for kind in _KINDS}
    for kind, spec in _KINDS.items():
        annotation = inspect.signature(getattr(hookspecs, f"register_{kind}")).return_annotation
        assert annotation == f"list[{spec.__name__}]"


def test_every_state_is_explained() -> None:
    rows = re.findall(r"^\| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    assert set(PluginState) <= set(rows)
