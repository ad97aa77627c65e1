"""Averages of policies: the mean of their weights, of one training only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dexgen_app.__main__ import main
from dexgen_app.errors import InputError
from dexgen_app.learn.average import average_policies
from dexgen_app.learn.policy import Policy, load_policy, save_policy
from dexgen_hand_allegro.spec import LEFT, RIGHT
from tests.policies import make_policy


def make(value: float) -> Policy:
    return make_policy(
        weights=(torch.full((5, 3), value), torch.full((16, 5), 2.0 * value)),
        biases=(torch.full((5,), 3.0 * value), torch.full((16,), 4.0 * value)),
        action_std=torch.full((16,), value),
        info={"steps": int(value)},
    )


def write(folder: Path, *policies: Policy) -> list[Path]:
    paths = [folder / "run" / "policies" / f"{i}.safetensors" for i in range(len(policies))]
    for path, policy in zip(paths, policies):
        save_policy(path, policy)
    return paths


def test_weights_are_averaged_and_the_rest_is_the_last_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write(tmp_path, make(1.0), make(2.0), make(6.0))
    out = tmp_path / "mean.safetensors"
    assert main(["train", "--average", *map(str, paths), "--out", str(out)]) == 0
    assert "3 policies" in capsys.readouterr().out
    found, expected = load_policy(out, hand=RIGHT), make(3.0)
    for own, other in zip((*found.weights, *found.biases), (*expected.weights, *expected.biases)):
        assert torch.equal(own, other)
    assert torch.equal(found.action_std, expected.action_std)
    assert found.info["steps"] == 6
    assert found.info["average_of"] == [f"run/policies/{i}.safetensors" for i in range(3)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"skill": "rotate"}, "skill"),
        ({"hand": LEFT.id}, "hand"),
        ({"mean": torch.ones(3)}, "normalisation"),
        (
            {
                "weights": (torch.ones(6, 3), torch.ones(16, 6)),
                "biases": (torch.ones(6), torch.ones(16)),
            },
            "layers",
        ),
    ],
)
def test_policies_of_another_training_are_refused(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    paths = write(tmp_path, replace(make(1.0), **changes), make(2.0))
    with pytest.raises(InputError, match=f"its {told} (is|are) not that of 1.safetensors"):
        average_policies(paths)


def test_an_average_without_a_place_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write(tmp_path, make(1.0))
    assert main(["train", "--average", str(paths[0])]) != 0
    assert "--out FILE" in capsys.readouterr().err
