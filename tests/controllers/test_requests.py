"""Impossible requests are refused in one line, before anything is simulated."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from dexgen_app.__main__ import main
from dexgen_app.learn.policy import save_policy
from dexgen_controller_dexgen.commands import dataset
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.training import Trainer
from dexgen_hand_allegro.spec import RIGHT
from tests.policies import make_policy


@pytest.fixture
def expert(tmp_path: Path) -> str:
    path = tmp_path / "expert.safetensors"
    save_policy(path, make_policy())
    return str(path)


@pytest.fixture
def weights(store, tmp_path: Path) -> str:
    trainer = Trainer(store, RIGHT, tmp_path / "run", TrainingConfig(steps=1, batch=16))
    trainer.model.save(tmp_path / "model.safetensors")
    return str(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--guidance", "0", "3001"], "--guidance: 3001 is no guidance. Use numbers from 0 to"),
        (["--guidance", "-1"], "--guidance: -1 is no guidance"),
        (["--guidance", "nan"], "--guidance: nan is no guidance"),
        (["--mode", "juggle"], "--mode: there is no mode 'juggle'. Use default or precision"),
        (["--environments", "0"], "--environments: 0 is no number of environments"),
        (["--steps", "0"], "--steps: 0 is no number of steps"),
        (["--processes", "0"], "--processes: 0 is no number of processes"),
        (["--steps", "101"], "at most 100 steps"),
        (["--seconds", "-5"], "--seconds: -5 is no length of time"),
    ],
)
def test_a_benchmark_that_cannot_be_run(
    expert: str, weights: str, capsys, words: list[str], told: str
) -> None:
    common = ["--safe-mode", "bench", "controller", "--expert", expert, "--weights", weights]
    assert main([*common, *words]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--policy", "EXPERT:juggle"], "--policy: there is no mode 'juggle'"),
        (["--policy", "nothing.safetensors"], "nothing.safetensors: cannot read the weights"),
        (["--policy", "EXPERT", "--rows", "0"], "--rows: 0.0 is no number of rows"),
        (["--policy", "EXPERT", "--burst-rate", "1.5"], "--burst-rate: 1.5 is no share"),
        (["--policy", "EXPERT", "--detour", "EXPERT"], "this is no controller model"),
    ],
)
def test_a_dataset_that_cannot_be_made(
    expert: str, tmp_path: Path, capsys, words: list[str], told: str
) -> None:
    words = [word.replace("EXPERT", expert) for word in words]
    assert main(["--safe-mode", "dataset", "make", str(tmp_path / "data"), *words]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_an_error_in_a_process_is_one_line_and_a_status(tmp_path: Path, capsys, expert) -> None:
    blocked = tmp_path / "data"
    blocked.write_text("a file where the dataset should be")
    words = ["--policy", expert, "--rows", "10", "--processes", "1", "--engine", "mujoco"]
    parser = argparse.ArgumentParser()
    dataset.add_arguments(parser)
    args = parser.parse_args(["make", str(blocked), *words])
    args.safe_mode, args.disable, args.command = True, [], ""
    with pytest.raises(SystemExit) as caught:
        dataset._work(args, 0)
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("dexgen-app: process 0: ") and told.count("\n") == 1


def test_a_killed_process_is_told(tmp_path: Path, capsys, expert: str, monkeypatch) -> None:
    class Killed:
        exitcode = -9

        def __init__(self, target: object, args: object) -> None:
            pass

        def start(self) -> None:
            pass

        def join(self) -> None:
            pass

    fake = argparse.Namespace(Process=Killed)
    monkeypatch.setattr(dataset.multiprocessing, "get_context", lambda kind: fake)
    assert main(["--safe-mode", "dataset", "make", str(tmp_path / "d"), "--policy", expert]) == 2
    assert "killed by signal 9. Give the same command again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"control_dt": 0.05}, "trained at 20 Hz, the controller runs at 10 Hz"),
        ({"format_version": 99}, "format 99, this release reads"),
        ({"size": "huge"}, "no controller model"),
    ],
)
def test_weights_of_something_else(
    expert: str, weights: str, capsys, change: dict, told: str
) -> None:
    import json

    from safetensors import safe_open

    with safe_open(weights, "pt") as file:
        metadata = dict(file.metadata())
    metadata["info"] = json.dumps({**json.loads(metadata["info"]), **change})
    save_file(load_file(weights), weights, metadata)
    words = ["bench", "controller", "--expert", expert, "--weights", weights]
    assert main(["--safe-mode", *words]) == 2
    assert told in capsys.readouterr().err
