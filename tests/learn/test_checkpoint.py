"""Checkpoints and policies in safetensors: round trips, damage, the wrong hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.checkpoint import load_checkpoint, save_checkpoint
from dexgen_app.learn.policy import load_policy, policy_from_actor, save_policy
from dexgen_hand_allegro.spec import LEFT, RIGHT


def test_nested_state_survives_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "checkpoint.safetensors"
    state = {
        "steps": 7,
        "none": None,
        "optimiser": {"state": {0: {"step": torch.tensor(3.0)}}, "groups": [{"betas": [0.9, 1.0]}]},
        "weights": torch.arange(6.0).reshape(2, 3),
    }
    save_checkpoint(path, state)
    back = load_checkpoint(path)
    assert back["steps"] == 7 and back["none"] is None
    assert back["optimiser"]["groups"] == [{"betas": [0.9, 1.0]}]
    assert float(back["optimiser"]["state"][0]["step"]) == 3.0
    assert torch.equal(back["weights"], state["weights"])
    assert [p.name for p in path.parent.iterdir()] == ["checkpoint.safetensors"]


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(InputError, match="cannot read"):
        load_checkpoint(path)
    save_checkpoint(path, {"weights": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="cannot read"):
        load_checkpoint(path)
    with pytest.raises(TypeError, match="weights"):
        save_checkpoint(path, {"weights": object()})


def _actor(observations: int = 5, actions: int = 16) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "obs_normalizer._mean": torch.randn(1, observations, generator=generator),
        "obs_normalizer._std": torch.rand(1, observations, generator=generator) + 0.1,
        "distribution.std_param": torch.full((actions,), 0.3),
        "mlp.0.weight": torch.randn(8, observations, generator=generator),
        "mlp.0.bias": torch.randn(8, generator=generator),
        "mlp.2.weight": torch.randn(actions, 8, generator=generator),
        "mlp.2.bias": torch.randn(actions, generator=generator),
    }


def test_policy_computes_what_the_actor_computes(tmp_path: Path) -> None:
    tensordict = pytest.importorskip("tensordict")
    from rsl_rl.models import MLPModel

    sample = tensordict.TensorDict({"policy": torch.randn(4, 5)}, batch_size=[4])
    model = MLPModel(
        sample,
        {"actor": ["policy"]},
        "actor",
        16,
        hidden_dims=[8],
        obs_normalization=True,
        distribution_cfg={"class_name": "GaussianDistribution", "init_std": 0.3},
    )
    model.load_state_dict({**model.state_dict(), **_actor()})
    policy = policy_from_actor(
        dict(model.state_dict()), skill="anygrasp", hand=RIGHT, config={"a": 1}, info={"seed": 3}
    )
    path = tmp_path / "policy.safetensors"
    save_policy(path, policy)
    back = load_policy(path, hand=RIGHT, skill="anygrasp")
    assert torch.allclose(back(sample["policy"]), model(sample), atol=1e-5)
    assert (back.config, back.info, back.observation_size) == ({"a": 1}, {"seed": 3}, 5)
    assert back.action_std.tolist() == pytest.approx([0.3] * 16)


def test_policies_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    policy = policy_from_actor(_actor(), skill="anygrasp", hand=RIGHT, config={}, info={})
    save_policy(path, policy)
    with pytest.raises(InputError, match="do not fit hand allegro_left"):
        load_policy(path, hand=LEFT)
    with pytest.raises(InputError, match="skill anygrasp, not rotate"):
        load_policy(path, skill="rotate")
    wrong = policy_from_actor(_actor(actions=12), skill="anygrasp", hand=RIGHT, config={}, info={})
    save_policy(path, wrong)
    with pytest.raises(InputError, match="shapes"):
        load_policy(path)
    renamed = replace(policy, joint_names=policy.joint_names[::-1])
    save_policy(path, renamed)
    with pytest.raises(InputError, match="joint order is not that of hand allegro_right"):
        load_policy(path, hand=RIGHT)
    save_policy(path, replace(policy, weights=policy.weights[:1]))
    with pytest.raises(InputError, match="shapes"):
        load_policy(path)
    save_policy(path, replace(policy, weights=()))
    with pytest.raises(InputError, match="shapes"):
        load_policy(path)
    with pytest.raises(InputError, match="trained with 5 observations, the environment gives 6"):
        policy(torch.zeros(1, 6))
    bad = _actor()
    bad["mlp.0.bias"][0] = float("nan")
    save_policy(path, policy_from_actor(bad, skill="a", hand=RIGHT, config={}, info={}))
    with pytest.raises(InputError, match="not finite"):
        load_policy(path)
    save_checkpoint(path, {"steps": 1})
    with pytest.raises(InputError, match="not policy weights"):
        load_policy(path)
