"""``dexgen-app new-plugin``: writes a package that works and is meant to be changed."""

from __future__ import annotations

import argparse
import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from dexgen_app import __version__
from dexgen_app.errors import DexgenError

HELP = "write a new plugin package that installs, shows up and runs"

KINDS = {
    "hand": ("dexgen_hand_", "{title}: a robot hand"),
    "device": ("dexgen_teleop_", "{title}: a teleoperation device"),
    "controller": ("dexgen_controller_", "{title}: a controller"),
    "skill": ("dexgen_skill_", "{title}: a motion primitive to train"),
    "panel": ("dexgen_panel_", "{title}: a panel of the window"),
}
"""Kind to prefix of the package's name and to its summary."""

_SUFFIX = ".tmpl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app new-plugin``."""
    parser.add_argument("kind", choices=KINDS, help="what the plugin adds")
    parser.add_argument("name", help="its name, for example: two-finger")
    parser.add_argument(
        "--dir", type=Path, default=Path(), help="folder in which the package's folder is made"
    )


def run(args: argparse.Namespace) -> int:
    """Write the package and say what to do next."""
    _check_free(args.kind, args.name)
    folder = write_package(args.kind, args.name, args.dir)
    print(f"{folder} is written. Now:\n")
    print(f"  pip install -e {folder}")
    print("  dexgen-app plugins")
    print(f"\n{folder / 'README.md'} says how to run and change it.")
    return 0


def _check_free(kind: str, name: str) -> None:
    """Raise DexgenError if an installed plugin has the name or its package's name already."""
    from dexgen_app.discovery import discover, normalize

    values = substitutions(kind, name)
    for record, entry in discover():
        package = entry.module.partition(".")[0]
        if normalize(record.name) == normalize(values["entry"]) or package == values["package"]:
            raise DexgenError(
                f"a plugin {record.name!r} is installed already",
                where=record.distribution,
                remedy="Choose another name",
            )


def write_package(kind: str, name: str, parent: Path) -> Path:
    """Write a new plugin package.

    Args:
        kind: A key of ``KINDS``.
        name: Letters, digits, hyphens, underscores and spaces, beginning with a letter.
        parent: Folder in which the package's folder is made.

    Returns:
        The package's folder.

    Raises:
        DexgenError: The name cannot be used, or the folder exists or cannot be written.
    """
    values = substitutions(kind, name)
    folder = parent / values["distribution"]
    if folder.exists():
        raise DexgenError(
            "it exists already", where=str(folder), remedy="Choose another name or --dir"
        )
    try:
        for source, path in _walk(files("dexgen_app").joinpath("template", kind), Path()):
            parts = [values["package"] if part == "package" else part for part in path.parts]
            target = folder.joinpath(*parts)
            target = target.with_name(target.name.removesuffix(_SUFFIX))
            target.parent.mkdir(parents=True, exist_ok=True)
            text = Template(source.read_text(encoding="utf-8")).substitute(values)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DexgenError(
            f"it cannot be written: {error.strerror}", where=str(folder), remedy="Choose --dir"
        ) from error
    return folder


def substitutions(kind: str, name: str) -> dict[str, str]:
    """Return what replaces the placeholders of the templates.

    Raises:
        DexgenError: The name cannot be used.
    """
    prefix, summary = KINDS[kind]
    plain = re.sub(r"[\s_-]+", "_", name.strip()).lower()
    plain = plain.removeprefix(prefix)
    if not re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", plain, re.ASCII) or keyword.iskeyword(plain):
        raise DexgenError(
            f"{name!r} cannot be the name of a plugin",
            remedy="Use two or more letters, digits and hyphens, beginning with a letter",
        )
    package = prefix + plain
    title = plain.replace("_", " ").capitalize()
    major, minor = __version__.split(".")[:2]
    return {
        "id": plain,
        "entry": plain,
        "title": title,
        "summary": summary.format(title=title),
        "package": package,
        "distribution": package.replace("_", "-"),
        "version": f"{major}.{minor}",
        "next_version": str(int(major) + 1),
    }


def _walk(folder: Traversable, path: Path) -> Iterator[tuple[Traversable, Path]]:
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            yield from _walk(entry, path / entry.name)
        elif entry.name.endswith(_SUFFIX):
            yield entry, path / entry.name
