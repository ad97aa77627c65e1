"""A further mode is learned, and the others stay as they were."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from dexgen_app.__main__ import main
from dexgen_app.errors import InputError
from dexgen_app.learn.transitions import TransitionStore
from dexgen_controller_dexgen.extension import Extension
from dexgen_controller_dexgen.losses import NoisyMotion, Step
from dexgen_controller_dexgen.model import FORMAT_VERSION, ControllerModel, read_notes
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.samples import Batch, SampleSource
from dexgen_controller_dexgen.training import Trainer
from dexgen_hand_allegro.spec import LEFT, RIGHT
from tests.controllers.conftest import quiet, sway, train

CONFIG = TrainingConfig(steps=50, batch=64, learning_rate=1e-3)


@pytest.fixture
def taught(tmp_path: Path) -> TransitionStore:
    """Rows of mode ``precision``, whose motions are four times as large."""
    return sway(tmp_path / "taught", seed=5, mode=1, size=0.12)


@pytest.fixture
def model(store: TransitionStore, tmp_path: Path) -> ControllerModel:
    return train(store, tmp_path / "first", CONFIG)


def batch_of(store: TransitionStore) -> Batch:
    source = SampleSource(store, RIGHT.keypoint_sites, 4, clean=True)
    return source.at(source.windows)


def losses(model: ControllerModel, store: TransitionStore) -> dict[str, float]:
    batch = batch_of(store)
    torch.manual_seed(0)
    with torch.no_grad():
        return {
            "prior": float(NoisyMotion.draw(model, batch, 4).loss(model.prior)),
            "inverse": float(Step.of(model, "inverse", batch).loss(model.inverse)),
            "forward": float(Step.of(model, "forward", batch).loss(model.forward)),
        }


def test_each_mode_has_a_scale_of_its_own(store, taught, tmp_path: Path) -> None:
    trainer = Trainer(store, RIGHT, tmp_path / "run", CONFIG)
    table = trainer.model.statistics
    torch.testing.assert_close(table["mode_std"][0], table["motion_std"])
    torch.testing.assert_close(table["mode_std"][1], table["motion_std"])
    extension = Extension(trainer.model, taught, store, tmp_path / "more", CONFIG)
    table = extension.model.statistics
    ratio = float((table["mode_std"][1] / table["mode_std"][0]).mean())
    assert ratio == pytest.approx(4.0, rel=0.1)
    torch.testing.assert_close(table["mode_std"][0], table["motion_std"])


def test_a_mode_is_added_and_the_others_are_kept(model, store, taught, tmp_path: Path) -> None:
    old = copy.deepcopy(model)
    extension = Extension(model, taught, store, tmp_path / "more", CONFIG)
    before = {name: losses(model, known) for name, known in (("old", store), ("new", taught))}
    extension.train_prior(quiet)
    extension.train_inverse(quiet)
    extension.train_forward(quiet)
    for name in ("prior", "inverse", "forward"):
        assert losses(model, taught)[name] < 0.9 * before["new"][name]
        assert losses(model, store)[name] < before["old"][name] + 0.02
    batch = batch_of(store)
    noise = torch.randn(len(batch.mode), model.motion_size, generator=torch.manual_seed(0))
    then, now = (
        m.sample_motion(batch.state, batch.mode, noise, steps=8).flatten(1) for m in (old, model)
    )
    assert float((now - then).norm() / then.norm()) < 0.5
    as_new = torch.ones_like(batch.mode)
    other = model.sample_motion(batch.state, as_new, noise, steps=8).flatten(1)
    assert float(other.std()) > 2.0 * float(now.std())


def test_datasets_that_do_not_fit(model, store, taught, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mode default is to be taught and to be kept"):
        Extension(model, store, store, tmp_path / "more", CONFIG)
    left = Trainer(store, RIGHT, tmp_path / "other", CONFIG).model
    left.info = type(left.info)(**{**left.info.__dict__, "hand": LEFT.id})
    with pytest.raises(
        InputError, match=f"hand of the dataset: {RIGHT.id}; of the controller: {LEFT.id}"
    ):
        Extension(left, taught, store, tmp_path / "more", CONFIG)


def test_command(store, taught, weights: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "made.safetensors"
    words = ["distill", str(taught.folder), "--extend", str(weights), "--out", str(out)]
    assert main(words) == 2
    assert "--replay DATASET" in capsys.readouterr().err
    words += ["--replay", str(store.folder), "--steps", "2", "--batch", "16"]
    ControllerModel.load(weights).save(weights, {"made_by": "dexgen-app distill first"})
    assert main(words) == 0
    assert f"wrote {out}" in capsys.readouterr().out
    first, *more = read_notes(out)["made_by"].splitlines()
    assert (first, len(more)) == ("dexgen-app distill first", 1)
    before, after = ControllerModel.load(weights), ControllerModel.load(out)
    assert after.info == before.info
    moved = after.statistics["mode_std"] / before.statistics["mode_std"]
    assert float(moved[0].max()) == 1.0 and float(moved[1].min()) > 2.0
    assert bool(torch.isfinite(after.prior.out.weight).all())


def test_the_dynamics_can_be_left_as_they_are(
    store, taught, weights: Path, tmp_path: Path, capsys
) -> None:
    out = tmp_path / "made.safetensors"
    words = ["distill", str(taught.folder), "--prior-only", "--out", str(out), "--steps", "2"]
    assert main([*words, "--batch", "16"]) == 2
    assert "a new controller needs dynamics" in capsys.readouterr().err
    ControllerModel.load(weights).save(weights, {"inverse_loss": "0.4567", "rows": "7"})
    words += ["--batch", "16", "--extend", str(weights), "--replay", str(store.folder)]
    assert main(words) == 0
    notes = read_notes(out)
    assert (notes["inverse_loss"], notes["rows"]) == ("0.4567", str(len(taught)))
    before, after = ControllerModel.load(weights), ControllerModel.load(out)
    for name in ("inverse", "forward"):
        for then, now in zip(*(getattr(m, name).parameters() for m in (before, after))):
            torch.testing.assert_close(now, then, rtol=0.0, atol=0.0)
    assert not torch.equal(after.prior.out.weight, before.prior.out.weight)


def test_version_2_had_one_scale_for_all_modes(weights: Path) -> None:
    import json

    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(weights, "pt") as file:
        info = json.loads(file.metadata()["info"])
    tensors = {k: v for k, v in load_file(weights).items() if "statistics.mode" not in k}
    save_file(tensors, weights, {"info": json.dumps({**info, "format_version": 2})})
    model = ControllerModel.load(weights)
    assert model.info.format_version == FORMAT_VERSION
    for name in ("mean", "std"):
        for mode in range(len(info["modes"])):
            old = tensors[f"statistics.motion_{name}"]
            torch.testing.assert_close(model.statistics[f"mode_{name}"][mode], old)
