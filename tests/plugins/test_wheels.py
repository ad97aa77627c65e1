"""Real wheels, built and installed in an environment of their own, found and judged."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dexgen_app.cli.new_plugin import KINDS, write_package

if TYPE_CHECKING:
    from conftest import Environment

pytestmark = [pytest.mark.wheel, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def project(folder: Path, distribution: str, source: str, requires: str = "dexgen-app") -> Path:
    """Write a project of one module and return its folder."""
    module = distribution.replace("-", "_")
    path = folder / distribution
    path.mkdir()
    (path / f"{module}.py").write_text(source)
    (path / "pyproject.toml").write_text(
        f"""
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "0.3"
dependencies = ["{requires}"]

[project.entry-points.dexgen]
{distribution.removeprefix("try-")} = "{module}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""
    )
    return path


def source(identifier: str, hook: str = "register_controllers") -> str:
    return f"""
from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import ControllerSpec

@hookimpl
def {hook}():
    return [ControllerSpec(id="{identifier}", title="Test", factory="math:sqrt")]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("projects")


@pytest.fixture(scope="module")
def installed(environment: Environment, folder: Path) -> dict[str, dict[str, Any]]:
    """Six distributions: five wheels and an editable one."""
    projects = [
        project(folder, "good", source("good")),
        project(folder, "raising", "raise RuntimeError('the driver is missing')"),
        project(folder, "misspelt", source("misspelt", "register_controller")),
        project(folder, "newer", source("newer"), requires="dexgen-app>=99"),
        project(folder, "try-with-hyphens", source("hyphens")),
    ]
    wheels = [environment.build(path, folder / "dist") for path in projects]
    environment.install(*wheels)
    environment.install("--editable", project(folder, "try-editable", source("editable")))
    return environment.plugins()


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        ("good", "loaded", ""),
        ("raising", "failed", "the driver is missing"),
        ("misspelt", "failed", "register_controller; did you mean register_controllers?"),
        ("newer", "incompatible", "it wants dexgen-app>=99"),
        ("with-hyphens", "loaded", ""),
        ("editable", "loaded", ""),
    ],
)
def test_state(installed: dict[str, dict[str, Any]], name: str, state: str, words: str) -> None:
    record = installed[name]
    assert (record["state"], record["version"], record["builtin"]) == (state, "0.3", False)
    assert words in record["reason"]
    assert bool(record["provides"]) == (state == "loaded")


def test_builtins_are_loaded_beside_them(installed: dict[str, dict[str, Any]]) -> None:
    states = {r["name"]: r["state"] for r in installed.values() if r["builtin"]}
    assert states and set(states.values()) == {"loaded"}


def test_an_editable_plugin_is_read_again(
    environment: Environment, folder: Path, installed: dict[str, dict[str, Any]]
) -> None:
    (folder / "try-editable" / "try_editable.py").write_text(source("changed"))
    assert environment.plugins()["editable"]["provides"] == {"controllers": ["changed"]}


def test_safe_mode(environment: Environment, installed: dict[str, dict[str, Any]]) -> None:
    states = {r["state"] for r in environment.plugins("--safe-mode").values() if not r["builtin"]}
    assert states == {"disabled"}


def test_every_trouble_is_on_stderr(
    environment: Environment, installed: dict[str, dict[str, Any]]
) -> None:
    result = environment.run("-m", "dexgen_app", "--help")
    assert result.returncode == 0
    for name in ("raising", "misspelt", "newer"):
        assert f"plugin {name} is" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_templates_install_show_up_and_pass_their_test(
    environment: Environment, folder: Path, kind: str
) -> None:
    path = write_package(kind, f"Try {kind}", folder)
    environment.install(environment.build(path, folder / "dist"))
    record = environment.plugins()[f"try_{kind}"]
    assert record["state"] == "loaded", record["reason"]
    assert not record["problems"]
    assert f"try_{kind}" in [i for ids in record["provides"].values() for i in ids]
    result = environment.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=path, env={"PYTHONSAFEPATH": "1"}
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "passed" in result.stdout


def test_templates_run_together_in_a_live_session(environment: Environment, tmp_path: Path) -> None:
    for kind in ("hand", "device", "controller"):
        environment.install(write_package(kind, f"live {kind}", tmp_path))
    words = (
        "live --engine mujoco --headless --seconds 3 --report report.json --device live_device:1"
    )
    words += " --hand live_hand --controller live_controller --param time_constant=0.05"
    result = environment.run("-m", "dexgen_app", *words.split(), cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["hand"], report["device"]) == ("live_hand", "live_device:1")
    assert report["controller"] == "live_controller"
    assert report["ticks"] > 60 and report["active_seconds"] > 1.0
    assert report["failures"] == []


def test_the_application_ships_its_templates(environment: Environment, tmp_path: Path) -> None:
    wheel = environment.build(ROOT, tmp_path)
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "dexgen_app").rglob("*.tmpl"):
        assert str(path.relative_to(ROOT)) in names
    assert "dexgen_hand_allegro/plugin.py" in names
