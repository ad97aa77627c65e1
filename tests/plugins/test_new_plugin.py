"""What new-plugin writes, and the names that it refuses."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dexgen_app.__main__ import main
from dexgen_app.cli.new_plugin import KINDS, substitutions, write_package
from dexgen_app.errors import DexgenError


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_filled_in_and_parses(kind: str, tmp_path: Path) -> None:
    folder = write_package(kind, "Two finger", tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        text = path.read_text()
        assert "$" not in text.replace("$$", ""), path
        assert path.suffix != ".tmpl"
        if path.suffix == ".py":
            ast.parse(text)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    package = folder.name.replace("-", "_")
    assert project["name"] == folder.name
    assert project["entry-points"]["dexgen"] == {"two_finger": f"{package}.plugin"}
    assert {"plugin.py", "README.md", "test_plugin.py"} <= {path.name for path in files}


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_is_tidy(kind: str, tmp_path: Path) -> None:
    folder = write_package(kind, "two-finger", tmp_path)
    ruff = [sys.executable, "-m", "ruff"]
    for words in (["format", "--check"], ["check", "--select", "E,F,I,UP"]):
        command = [*ruff, *words, "--isolated", "--line-length", "100", str(folder)]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "identifier"),
    [("Two finger", "two_finger"), ("my-Hand2", "my_hand2"), ("dexgen-hand-leap", "leap")],
)
def test_names_are_brought_into_form(name: str, identifier: str) -> None:
    values = substitutions("hand", name)
    assert values["id"] == identifier
    assert values["distribution"] == f"dexgen-hand-{identifier.replace('_', '-')}"


@pytest.mark.parametrize(
    "name", ["", "x", "2fast", "../evil", "a/b", "naïve", "a.b", "class", "a$b"]
)
def test_names_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    with pytest.raises(DexgenError, match="cannot be the name"):
        write_package("hand", name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("kind", "name"), [("hand", "Allegro"), ("device", "direct")])
def test_the_name_of_an_installed_plugin(kind: str, name: str, tmp_path: Path, capsys) -> None:
    assert main(["new-plugin", kind, name, "--dir", str(tmp_path)]) == 2
    assert "installed already" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path, capsys) -> None:
    assert main(["new-plugin", "device", "knob", "--dir", str(tmp_path)]) == 0
    readme = tmp_path / "dexgen-teleop-knob" / "README.md"
    readme.write_text("mine")
    assert main(["new-plugin", "device", "knob", "--dir", str(tmp_path)]) == 2
    assert readme.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("")
    assert main(["new-plugin", "device", "knob", "--dir", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
