"""Where the simulator's caches are, and the command that fills them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from sim_worlds import CUBE, SPHERE

from dexgen_app.__main__ import main
from dexgen_app.errors import SimulationError
from dexgen_app.sim import cache, warm
from dexgen_app.sim.mujoco_world import MujocoWorld
from dexgen_app.sim.world import WorldOptions
from dexgen_hand_allegro.spec import RIGHT


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("QD_OFFLINE_CACHE_FILE_PATH", "GS_CACHE_FILE_PATH"):
        monkeypatch.setenv(name, "")  # restored after the test, also if the test sets it
        monkeypatch.delenv(name)
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path))
    return tmp_path


def test_the_caches_are_in_our_folder(empty: Path) -> None:
    root = cache.prepare_caches()
    assert root == empty / "cache" / "genesis"
    assert os.environ["QD_OFFLINE_CACHE_FILE_PATH"] == str(root / "kernels")
    assert os.environ["GS_CACHE_FILE_PATH"] == str(root / "assets")
    assert (root / "kernels").is_dir() and (root / "assets").is_dir()


def test_a_place_chosen_by_the_user_is_kept(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QD_OFFLINE_CACHE_FILE_PATH", "/somewhere")
    cache.prepare_caches()
    assert os.environ["QD_OFFLINE_CACHE_FILE_PATH"] == "/somewhere"


def test_a_cache_that_cannot_be_made_is_named(empty: Path) -> None:
    (empty / "cache").write_text("a file in the way")
    with pytest.raises(SimulationError, match="DEXGEN_HOME"):
        cache.prepare_caches()


def test_a_mark_counts_only_with_kernels(empty: Path) -> None:
    cache.mark("warm")
    assert not cache.is_marked("warm")
    (cache.prepare_caches() / "kernels" / "kernel").touch()
    assert cache.is_marked("warm") and not cache.is_marked("built")


def test_quiet_stderr_reaches_the_log_and_ends(empty: Path) -> None:
    code = (
        "import os; from dexgen_app.sim.cache import quiet_stderr\n"
        "with quiet_stderr(): os.write(2, b'noise of a compiler')\n"
        "os.write(2, b'after')"
    )
    environment = {**os.environ, "DEXGEN_HOME": str(empty)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    )
    assert done.stderr == b"after"
    log = empty / "cache" / "genesis" / "build.log"
    assert log.read_bytes() == b"noise of a compiler"


def test_an_unknown_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEXGEN_SIM_BACKEND", "abacus")
    with pytest.raises(SimulationError, match="abacus"):
        cache.import_genesis()


def _pretend(monkeypatch: pytest.MonkeyPatch, *, card: bool, started: bool) -> None:
    """Let there be a graphics card or none, and a Genesis that runs on the processor or not yet."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: card)
    monkeypatch.setenv("DEXGEN_SIM_BACKEND", "cpu")
    monkeypatch.setitem(sys.modules, "genesis", SimpleNamespace(_initialized=started))


def test_a_card_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, card=False, started=False)
    with pytest.raises(SimulationError, match="no NVIDIA graphics card"):
        cache.use_backend("cuda")
    assert cache.simulator_backend() == "cpu"
    monkeypatch.setenv("DEXGEN_SIM_BACKEND", "cuda")
    with pytest.raises(SimulationError, match="Use cpu"):
        cache.simulator_backend()


def test_genesis_does_not_change_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, card=True, started=True)
    with pytest.raises(SimulationError, match="already runs on cpu"):
        cache.use_backend("cuda")
    cache.use_backend("cpu")


def test_warm_finds_grasps_and_is_quick_the_second_time(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["warm", "--engine", "mujoco", "--hand", RIGHT.id]
    assert main(arguments) == 0
    files = sorted((empty / "cache" / "grasps").iterdir())
    assert len(files) == 1
    assert main(arguments) == 0
    assert sorted((empty / "cache" / "grasps").iterdir()) == files
    told = capsys.readouterr().out
    assert "ready after" in told and f"building the controller dexgen for {RIGHT.id}" in told


def test_warm_compiles_once(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def make_world(_engine: str, options: WorldOptions) -> MujocoWorld:
        built.append(options)
        (cache.prepare_caches() / "kernels" / "kernel").touch()
        return MujocoWorld(options)

    monkeypatch.setattr(warm, "make_world", make_world)
    reports: list[str] = []
    assert warm.warm_genesis(RIGHT, reports.append)
    count = len(built)
    assert len(reports) == count + 1
    assert {len(options.objects) for options in built} == {0, 1, 5}
    assert not warm.warm_genesis(RIGHT, reports.append)
    assert len(built) == count
    assert warm.warm_genesis(RIGHT, reports.append, force=True)
    assert len(built) == 2 * count


def test_everything_a_world_can_do_is_exercised() -> None:
    options = WorldOptions(hand=RIGHT, objects=(CUBE, SPHERE), environments=2)
    world = MujocoWorld(options)
    warm.exercise(world)
    assert world.finite().all()
