"""What the documentation names is there: links, pictures, commands, options, make targets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from dexgen_app.__main__ import parse
from dexgen_app.cli import core_commands
from dexgen_app.plugins import PluginRegistry

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"^(?: {4})?(?:\$ )?(?:\.venv/bin/)?dexgen-app((?: .*)?)$", re.MULTILINE)
CODE = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```|^((?: {4}.*\n)+)", re.M | re.S)


def _links(page: Path) -> list[Path]:
    return [(page.parent / target).resolve() for target in LINK.findall(page.read_text())]


def _commands(page: Path) -> list[str]:
    """Return the arguments of every ``dexgen-app`` that stands in a block of code."""
    code = "".join("".join(block) for block in CODE.findall(page.read_text()))
    return COMMAND.findall(code.replace("\\\n", " "))


COMMANDS = [
    pytest.param(words, id=f"{page.stem}:{words.partition('#')[0].strip()}")
    for page in PAGES
    for words in _commands(page)
]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert [str(link) for link in _links(page) if not link.exists()] == []


def test_every_page_is_linked() -> None:
    linked = {link for page in PAGES for link in _links(page)}
    assert [page.name for page in PAGES[1:] if page not in linked] == []


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_have_these_arguments(words: str) -> None:
    parse(shlex.split(words, comments=True))


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 30


def test_subcommands_in_the_text_exist() -> None:
    known = {*core_commands(), *PluginRegistry.load().commands}
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"`dexgen-app ([a-z][\w-]*)", page.read_text())
    }
    assert named and [f"{page}: {name}" for page, name in named if name not in known] == []


def test_targets_and_benchmarks_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        text = page.read_text()
        assert set(re.findall(r"(?:^|`)make ([a-z][\w-]+)", text, re.M)) <= targets, page.name
        for script in re.findall(r"python (benchmarks/\w+\.py)", text):
            assert (ROOT / script).is_file(), page.name
