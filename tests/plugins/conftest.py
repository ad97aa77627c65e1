"""Installed plugins made up on the spot, in this process and in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that puts a one-file distribution on the path of this process.

    It takes the distribution's name, the source of its plugin module, and optionally the entry
    point's name and the distribution's requirements.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def make(
        distribution: str, source: str, entry: str = "", requires: tuple[str, ...] = ()
    ) -> None:
        module = distribution.replace("-", "_")
        (site / f"{module}.py").write_text(textwrap.dedent(source))
        info = site / f"{module}-1.2.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", "Version: 1.2"]
        lines += [f"Requires-Dist: {line}" for line in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text(f"[dexgen]\n{entry or module} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return make


@dataclass(frozen=True)
class Environment:
    """A virtual environment that also sees the packages of this one."""

    python: Path
    home: Path

    @classmethod
    def create(cls, folder: Path) -> Environment:
        """Make one in ``folder``."""
        _check([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")])
        python = folder / "venv" / "bin" / "python"
        site = sysconfig.get_paths(vars={"base": str(folder / "venv")})["purelib"]
        shared = sysconfig.get_paths()["purelib"]
        Path(site, "shared.pth").write_text(f"import site; site.addsitedir({shared!r})\n")
        return cls(python, folder / "home")

    def build(self, project: Path, out: Path) -> Path:
        """Build a project's wheel and return it."""
        before = set(out.glob("*.whl")) if out.exists() else set()
        _check([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)], project)
        (wheel,) = set(out.glob("*.whl")) - before
        return wheel

    def install(self, *arguments: str | Path) -> None:
        """Install with pip, offline."""
        offline = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet"]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        _check([*pip, "--python", str(self.python), "install", *offline, *map(str, arguments)])

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python with ``command``."""
        return subprocess.run(
            [str(self.python), *command],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "DEXGEN_HOME": str(self.home), **options.pop("env", {})},
            check=False,
            **options,
        )

    def plugins(self, *arguments: str, **options: Any) -> dict[str, dict[str, Any]]:
        """Return what ``dexgen-app plugins --json`` prints, by plugin name."""
        result = self.run("-m", "dexgen_app", *arguments, "plugins", "--json", **options)
        assert result.returncode == 0, result.stderr
        return {record["name"]: record for record in json.loads(result.stdout)}


def _check(command: list[str], folder: Path | None = None) -> None:
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that the tests with real wheels share."""
    return Environment.create(tmp_path_factory.mktemp("environment"))
