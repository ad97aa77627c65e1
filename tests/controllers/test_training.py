from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dexgen_app.__main__ import main
from dexgen_app.errors import InputError
from dexgen_app.learn.transitions import TransitionStore
from dexgen_controller_dexgen.history import HistoryBuffer
from dexgen_controller_dexgen.mirror import load_for_hand
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.policy import GuidedPolicy
from dexgen_controller_dexgen.samples import SampleSource
from dexgen_controller_dexgen.training import Trainer
from dexgen_controller_dexgen.wish import LARGEST_WISH
from dexgen_hand_allegro.spec import LEFT, RIGHT
from tests.controllers.conftest import quiet, sway, train

QUICK = TrainingConfig(steps=40, batch=128, checkpoint_every=10)


def test_a_window_is_history_motion_and_increment(store: TransitionStore) -> None:
    source = SampleSource(store, RIGHT.keypoint_sites, 4, clean=True)
    row = source.windows[8]
    batch = source.at(np.array([row]))
    points = store.column("keypoints")
    expected = np.concatenate([points[row + 1] - points[row], points[row + 2] - points[row]])
    np.testing.assert_allclose(batch.motion[0], expected, atol=1e-7)
    state = batch.state[0].view(4, 12 + 3 * 16)
    np.testing.assert_allclose(state[-1, :12], points[row, 12:], atol=1e-7)
    np.testing.assert_allclose(state[0, 12:28], store.column("position")[row - 3], atol=1e-7)
    difference = store.column("target")[row] - store.column("position")[row]
    np.testing.assert_allclose(state[-1, 44:], difference, atol=1e-6)
    change = store.column("next_target")[row] - store.column("target")[row]
    np.testing.assert_allclose(batch.increment[0], change, atol=1e-6)


def test_history_buffer_builds_the_same_state_from_an_episodes_first_step_on(
    store: TransitionStore,
) -> None:
    source = SampleSource(store, RIGHT.keypoint_sites, 4, clean=True)
    begin = 40  # of the second episode
    assert set(range(begin, begin + 6)) <= set(source.windows)
    buffer = HistoryBuffer(1, 16, 4)
    for row in range(begin, begin + 6):
        at = np.array([row])
        buffer.append(
            torch.from_numpy(store.gather("keypoints", at)[:, 12:]),
            torch.from_numpy(store.gather("position", at)),
            torch.from_numpy(store.gather("target", at)),
        )
        torch.testing.assert_close(buffer.state(), source.at(at).state)


def test_inverse_dynamics_learns_and_survives_its_file(store, tmp_path: Path) -> None:
    config = TrainingConfig(steps=300, batch=128, checkpoint_every=1000)
    trainer = Trainer(store, RIGHT, tmp_path / "run", config)
    assert trainer.train_inverse(quiet) < 0.3
    trainer.model.save(tmp_path / "model.safetensors")
    loaded = load_for_hand(tmp_path / "model.safetensors", RIGHT)
    state, motion = torch.randn(2, 240), torch.randn(2, 2, 8, 3) * 1e-3
    torch.testing.assert_close(
        loaded.increment(state, motion),
        trainer.model.increment(state, motion),
        atol=2e-3,
        rtol=0.0,
    )


def test_forward_dynamics_predicts_the_motion(store, tmp_path: Path) -> None:
    config = TrainingConfig(steps=300, batch=128, checkpoint_every=1000)
    trainer = Trainer(store, RIGHT, tmp_path / "run", config)
    trainer.train_forward(quiet)
    trainer.model.forward.eval()
    source = SampleSource(store, RIGHT.keypoint_sites, 4, clean=True)
    batch = source.at(source.windows[::7])
    predicted = trainer.model.motion(batch.state, batch.increment).flatten(1)
    left = (predicted - batch.motion).square().mean() / batch.motion.var()
    assert float(left) < 0.3


def test_dynamics_can_learn_from_a_dataset_of_their_own(
    store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sway(tmp_path / "other" / "part-0", episodes=10, seed=1)
    other = TransitionStore(tmp_path / "other")
    seen: list[tuple[TransitionStore, bool]] = []

    def watch(used: TransitionStore, *args: Any, clean: bool, **more: Any) -> SampleSource:
        seen.append((used, clean))
        return SampleSource(used, *args, clean=clean, **more)

    monkeypatch.setattr("dexgen_controller_dexgen.training.SampleSource", watch)
    config = TrainingConfig(steps=1, batch=16)
    trainer = Trainer(store, RIGHT, tmp_path / "run", config, dynamics_store=other)
    trainer.train_prior(quiet)
    trainer.train_inverse(quiet)
    trainer.train_forward(quiet)
    assert seen[1:] == [(store, True), (other, False), (other, False)]
    with pytest.raises(InputError, match="allegro_right"):
        Trainer(store, LEFT, tmp_path / "left", config)


def test_half_the_precision_learns_as_well(store, tmp_path: Path) -> None:
    config = TrainingConfig(steps=60, batch=128, checkpoint_every=1000)
    losses = [
        Trainer(store, RIGHT, tmp_path / str(half), replace(config, bfloat16=half)).train_inverse(
            quiet
        )
        for half in (False, True)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.1) and losses[1] < 0.8


def test_a_killed_training_goes_on_from_its_checkpoint(store, tmp_path: Path) -> None:
    half = TrainingConfig(**{**QUICK.__dict__, "steps": 20})
    train(store, tmp_path / "run", half)
    trainer = Trainer(store, RIGHT, tmp_path / "run", QUICK)
    lines: list[str] = []
    trainer.train_prior(lines.append)
    log = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    steps = [line for line in log if '"prior"' in line]
    assert '"step": 20' in steps[0]
    assert '"step": 40' in steps[-1]
    before = torch.cat([p.flatten() for p in trainer.model.prior.parameters()])
    again = Trainer(store, RIGHT, tmp_path / "run", QUICK)
    again.train_prior(quiet)
    after = torch.cat([p.flatten() for p in again.model.prior.parameters()])
    torch.testing.assert_close(before, after)


def test_two_processes_share_the_work(store: TransitionStore, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "from pathlib import Path\n"
        "from dexgen_controller_dexgen.optimisation import TrainingConfig\n"
        "from dexgen_controller_dexgen.training import Trainer\n"
        "from dexgen_hand_allegro.spec import RIGHT\n"
        "from dexgen_app.learn.transitions import TransitionStore\n"
        f"store = TransitionStore(Path({str(store.folder)!r}))\n"
        "config = TrainingConfig(steps=6, batch=64)\n"
        f"t = Trainer(store, RIGHT, Path({str(tmp_path / 'run')!r}), config)\n"
        "t.train_prior()\n"
        "total = sum(float(p.sum()) for p in t.model.prior.parameters())\n"
        "print('WEIGHTS', t.rank, t.processes, f'{total:.6f}', flush=True)\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    result = subprocess.run(
        [*command, "--standalone", str(script)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    lines = sorted(line.split() for line in result.stdout.splitlines() if "WEIGHTS" in line)
    assert [line[1:3] for line in lines] == [["0", "2"], ["1", "2"]]
    assert lines[0][3] == lines[1][3]


def test_the_command_trains_and_serves_both_hands(
    store: TransitionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model.safetensors"
    words = ["distill", str(store.folder), "--out", str(out), "--steps", "4", "--batch", "64"]
    assert main([*words, "--inverse-steps", "2", "--mirror", "allegro_left"]) == 0
    assert f"wrote {out}" in capsys.readouterr().out
    log = (tmp_path / "model-work" / "metrics.jsonl").read_text()
    assert '"step": 4' in log and '"step": 2' in log
    for hand in (RIGHT, LEFT):
        assert load_for_hand(out, hand).info.mirror_hand == LEFT.id


def test_fingertips_alone_make_a_smaller_motion(store, tmp_path: Path) -> None:
    model = train(store, tmp_path, TrainingConfig(steps=2, batch=32, tips_only=True))
    assert model.motion_size == 24
    assert model.state_size == 240
    model.save(tmp_path / "tips.safetensors")
    policy = GuidedPolicy(load_for_hand(tmp_path / "tips.safetensors", RIGHT), 2)
    policy.observe(torch.zeros(2, 4, 3), torch.zeros(2, 16), torch.zeros(2, 16))
    # Weights are of all keypoints, whatever the model was trained on.
    weight = torch.cat([torch.zeros(4), torch.ones(4)])
    increments, motion = policy.act(torch.full((2, 16), 0.01), 1000.0, weight)
    assert increments.shape == (2, 16) and motion.shape == (2, 2, 4, 3)


def test_inverse_dynamics_needs_the_middle_joints_too(store, tmp_path: Path) -> None:
    """Fingertips span fewer dimensions than the joints: K = 8 instead of 4, as in the paper."""
    losses = []
    for tips_only in (False, True):
        config = TrainingConfig(steps=200, batch=128, tips_only=tips_only, checkpoint_every=1000)
        losses.append(Trainer(store, RIGHT, tmp_path / str(tips_only), config).train_inverse(quiet))
    assert losses[0] < 0.7 * losses[1]


def test_a_policy_is_repeatable_and_starts_anew_after_reset(store, tmp_path: Path) -> None:
    model = train(store, tmp_path, QUICK)
    outputs = []
    for _ in range(2):
        policy = GuidedPolicy(model, 3, seed=4)
        policy.observe(torch.zeros(3, 4, 3), torch.zeros(3, 16), torch.zeros(3, 16))
        increments, motion = policy.act(torch.full((3, 16), 0.5), 1000.0)
        assert increments.shape == (3, 16)
        assert motion.shape == (3, 2, 8, 3)
        outputs.append(increments)
    torch.testing.assert_close(outputs[0], outputs[1])


def test_some_hands_can_be_sampled_for(store, tmp_path: Path) -> None:
    policy = GuidedPolicy(train(store, tmp_path, QUICK), 3)
    policy.observe(torch.randn(3, 4, 3), torch.zeros(3, 16), torch.zeros(3, 16))
    command = 0.05 * torch.randn(3, 16)
    some = torch.tensor([True, False, True])
    increments, motion = policy.act(command, torch.full((3,), 300.0), chosen=some)
    assert (len(increments), len(motion)) == (2, 2)


def test_files_that_do_not_fit_are_refused(store, tmp_path: Path) -> None:
    model = train(store, tmp_path / "run", TrainingConfig(steps=1, batch=16))
    path = tmp_path / "model.safetensors"
    model.save(path)
    with pytest.raises(InputError, match="no controller model"):
        ControllerModel.load(tmp_path / "run" / "prior.checkpoint.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(InputError, match="no controller model"):
        ControllerModel.load(tmp_path / "text.safetensors")
    with torch.no_grad():
        next(model.prior.parameters())[0, 0] = float("nan")
    model.save(path)
    with pytest.raises(InputError, match="not finite"):
        ControllerModel.load(path)
    with pytest.raises(InputError, match="not allegro_left"):
        Trainer(store, LEFT, tmp_path / "other", QUICK)


def test_an_obstinate_command_is_bounded(store, tmp_path: Path) -> None:
    trainer = Trainer(store, RIGHT, tmp_path / "run", TrainingConfig(steps=1, batch=16))
    policy = GuidedPolicy(trainer.model, 2, smoothing=0.0, boost=1.0)
    policy.observe(torch.zeros(2, 4, 3), torch.zeros(2, 16), torch.zeros(2, 16))
    wishes: list[torch.Tensor] = []
    trainer.model.motion = lambda state, change: wishes.append(change) or torch.zeros(2, 2, 8, 3)
    small = torch.full((16,), 0.01)
    policy.act(torch.stack([torch.full((16,), 9.0), small]), 1000.0)
    torch.testing.assert_close(wishes[0][0], torch.full((16,), LARGEST_WISH))
    torch.testing.assert_close(wishes[0][1], small)


def test_bfloat16_is_left_where_it_is_slow(store, tmp_path: Path, capsys, monkeypatch) -> None:
    words = ["distill", str(store.folder), "--out", str(tmp_path / "made.safetensors")]
    words += ["--steps", "2", "--batch", "16", "--bfloat16"]
    for pays in (False, True):
        monkeypatch.setattr(
            "dexgen_controller_dexgen.optimisation.bfloat16_pays", lambda pays=pays: pays
        )
        assert main([*words, "--work", str(tmp_path / str(pays))]) == 0
        told = "this processor is slow in bfloat16" in capsys.readouterr().out
        used = json.loads((tmp_path / str(pays) / "config.json").read_text())["bfloat16"]
        assert (told, used) == (not pays, pays)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
def test_a_graphics_card_that_is_not_there(store, tmp_path: Path, capsys) -> None:
    out = tmp_path / "made.safetensors"
    assert main(["distill", str(store.folder), "--out", str(out), "--device", "cuda"]) != 0
    assert "torch finds no NVIDIA graphics card" in capsys.readouterr().err
    assert not out.exists()


def test_a_model_is_on_the_processor_after_training(store, tmp_path: Path) -> None:
    trainer = Trainer(store, RIGHT, tmp_path / "run", TrainingConfig(steps=1, batch=16))
    moved: list[str] = []
    trainer.model.to = lambda device: moved.append(device)  # type: ignore[method-assign]
    trainer.train_prior(quiet)
    assert moved == ["cpu", "cpu"]


def test_samples_keep_their_place_when_moved(store) -> None:
    source = SampleSource(store, RIGHT.keypoint_sites, 4, clean=True)
    batch = source.at(source.windows[:5])
    moved = batch.to("meta")
    for name in ("state", "motion", "increment", "mode"):
        there, here = getattr(moved, name), getattr(batch, name)
        assert (there.device.type, there.shape, there.dtype) == ("meta", here.shape, here.dtype)
