"""The command that teaches a controller to foresee drops, on two simulated hands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from dexgen_app.__main__ import main
from dexgen_controller_dexgen.model import ControllerModel, read_notes
from dexgen_controller_dexgen.shipped import weights_for
from dexgen_controller_dexgen.trials import Trials
from dexgen_hand_allegro.spec import RIGHT

SHIPPED = Path(__file__).parents[2] / "skills/dexgen_skill_anygrasp/weights"
WORDS = ["--expert", str(SHIPPED / "allegro_right.safetensors"), "--engine", "mujoco"]
WORDS += ["--environments", "2", "--seconds", "3", "--corruption", "add1.5", "--seed", "1", "2"]
WORDS += ["--steps", "4", "--batch", "8", "--processes", "1"]


def test_trials_are_rolled_out_once_and_the_risk_is_added_to_the_weights(
    grasps: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, out = weights_for(RIGHT), tmp_path / "out.safetensors"
    words = ["learn-risk", str(before), *WORDS, "--out", str(out)]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "add1.5, seed 1" in told and f"wrote {out}" in told
    found, shipped = ControllerModel.load(out), ControllerModel.load(before)
    assert found.info.foreseen_modes == ("default",) and 0.0 <= found.info.usual_risk < 1.0
    for name, value in shipped.prior.state_dict().items():
        assert torch.equal(value, found.prior.state_dict()[name]), name
    notes = [read_notes(path) for path in (before, out)]
    lines = [note["made_by"].splitlines() for note in notes]
    assert lines[1][:-1] == lines[0] and lines[1][-1].startswith("dexgen-app")
    assert "1 s before" in notes[1]["risk_rank_add1.5"]
    work = tmp_path / "out-risk"
    assert len(Trials.load(work / "add1.5-1000-1.safetensors")) == 30
    (work / "add1.5-1000-2.safetensors").unlink()
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "seed 1: " not in told and "seed 2: " in told, "only what is missing is rolled out"
    assert len(json.loads((work / "cells.json").read_text())["by_seed"]) == 2
    assert main([*words, "--seconds", "4"]) == 2
    assert "not comparable: seconds differ" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seed", "1"], "--seed: one seed leaves nothing to test with"),
        (["--guidance", "-1"], "--guidance: -1 is no guidance"),
        (["--steps", "0"], "--steps: 0 is no number of steps"),
        (["--seconds", "nan"], "--seconds: nan is no length of time"),
    ],
)
def test_impossible_requests_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    out = tmp_path / "out.safetensors"
    assert main(["learn-risk", str(weights_for(RIGHT)), *WORDS, "--out", str(out), *words]) == 2
    assert told in capsys.readouterr().err
    assert not out.exists()
