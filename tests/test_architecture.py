"""Imports run one way, and files stay short."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHELVES = ("hands", "teleop_devices", "skills", "plugins")
QT = {"PyQt6", "pyqtgraph", "qtawesome"}
MAX_LINES = 500


def _shelf_packages() -> dict[str, Path]:
    return {
        path.name: path
        for shelf in SHELVES
        for path in (ROOT / shelf).glob("dexgen_*")
        if (path / "__init__.py").exists()
    }


def _sources() -> list[Path]:
    folders = [ROOT / "dexgen_app", *_shelf_packages().values()]
    return [p for f in folders for p in sorted(f.rglob("*.py")) if "template" not in p.parts]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _top_level_imports(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


SOURCES = _sources()
CORE = [p for p in SOURCES if ROOT / "dexgen_app" in p.parents]


def test_there_is_something_to_check() -> None:
    assert len(CORE) > 20
    assert "dexgen_hand_allegro" in _shelf_packages()


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_core_imports_no_plugin(path: Path) -> None:
    roots = {name.split(".")[0] for name in _imports(path)}
    assert not roots & set(_shelf_packages())


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_window_imports_qt(path: Path) -> None:
    if ROOT / "dexgen_app" / "gui" in path.parents or "panel" in path.stem:
        return
    assert not {name.split(".")[0] for name in _imports(path)} & QT


@pytest.mark.parametrize("name", sorted(_shelf_packages()))
def test_plugins_import_only_themselves_and_the_core(name: str) -> None:
    others = set(_shelf_packages()) - {name}
    for path in _shelf_packages()[name].rglob("*.py"):
        for imported in _imports(path):
            root = imported.split(".")[0]
            assert root not in others, f"{path} imports {imported}"
            private = [part for part in imported.split(".") if part.startswith("_")]
            assert not (root == "dexgen_app" and private), f"{path} imports {imported}"


def test_spec_imports_numpy_and_nothing_heavier() -> None:
    allowed = {"__future__", "numpy", "dexgen_app", *sys.stdlib_module_names}
    for path in (ROOT / "dexgen_app" / "spec").glob("*.py"):
        for imported in _imports(path):
            assert imported.split(".")[0] in allowed, f"{path} imports {imported}"
            if imported.startswith("dexgen_app"):
                assert imported.startswith("dexgen_app.spec"), f"{path} imports {imported}"


def test_genesis_is_imported_only_where_a_world_is_built() -> None:
    for path in SOURCES:
        assert "genesis" not in {name.split(".")[0] for name in _top_level_imports(path)}, path


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("dexgen_app.plugins", ("torch", "genesis", "mujoco", "PyQt6")),
        ("dexgen_app.live.client", ("torch", "genesis", "PyQt6")),
        ("dexgen_app.recording.recorder", ("torch", "genesis", "mujoco", "PyQt6")),
        ("dexgen_app.gui.app", ("torch", "genesis")),
    ],
)
def test_import_is_light(module: str, unwanted: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {unwanted!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_no_pickle_is_loaded() -> None:
    for path in SOURCES:
        text = path.read_text()
        assert "torch.load(" not in text, path
        assert "allow_pickle=True" not in text, path
        assert "pickle" not in {name.split(".")[0] for name in _imports(path)}, path


def test_test_files_have_names_of_their_own() -> None:
    """Two of one name cannot be collected together."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))
