"""A trained policy as a file of weights that says what it is for, and its forward pass."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from dexgen_app.errors import InputError
from dexgen_app.files import replacing
from dexgen_app.learn.shipped import policy_file
from dexgen_app.spec import HandSpec, SkillSpec

FORMAT = "dexgen-policy-1"
STD_FLOOR = 1e-2
"""What rsl_rl's normalisation adds to a standard deviation before it divides by it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Policy:
    """An MLP with normalised input and ELU units; calling it gives the mean action.

    Attributes:
        skill: Identifier of the skill.
        hand: Identifier of the hand.
        joint_names: Order of the actions.
        config: The skill's settings as plain values.
        mean: Mean of the observations, shape (O,).
        std: Standard deviation of the observations with its floor, shape (O,).
        weights: Weight matrices, first layer first.
        biases: Bias vectors.
        action_std: Standard deviation of the exploring policy, shape (J,).
        info: How it was made: command, seed, steps, results.
    """

    skill: str
    hand: str
    joint_names: tuple[str, ...]
    config: dict[str, Any]
    mean: torch.Tensor
    std: torch.Tensor
    weights: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]
    action_std: torch.Tensor
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def observation_size(self) -> int:
        """Number of observations."""
        return int(self.mean.shape[0])

    def to(self, device: torch.device) -> Policy:
        """Return the policy with its tensors on a device."""
        return replace(
            self,
            mean=self.mean.to(device),
            std=self.std.to(device),
            weights=tuple(weight.to(device) for weight in self.weights),
            biases=tuple(bias.to(device) for bias in self.biases),
            action_std=self.action_std.to(device),
        )

    @torch.inference_mode()
    def __call__(self, observation: torch.Tensor) -> torch.Tensor:
        """Return the mean action for observations (N, O), not yet clipped, shape (N, J).

        Raises:
            InputError: There are more or fewer observations than it was trained with.
        """
        if observation.shape[-1] != self.observation_size:
            raise InputError(
                f"the policy was trained with {self.observation_size} observations, the "
                f"environment gives {observation.shape[-1]}",
                where=f"policy of skill {self.skill}",
                remedy="Use weights that this release of the skill trained",
            )
        x = (observation - self.mean) / self.std
        last = len(self.weights) - 1
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            x = torch.nn.functional.linear(x, weight, bias)
            if index < last:
                x = torch.nn.functional.elu(x)
        return x


def policy_from_actor(
    actor: dict[str, torch.Tensor],
    *,
    skill: str,
    hand: HandSpec,
    config: dict[str, Any],
    info: dict[str, Any],
) -> Policy:
    """Take a policy out of the state of an ``rsl_rl`` MLP actor.

    Args:
        actor: Its state dictionary.
        skill: Identifier of the skill.
        hand: The hand.
        config: The skill's settings as plain values.
        info: How it was made.
    """
    layers = sorted(
        {int(name.split(".")[1]) for name in actor if name.startswith("mlp.")},
    )
    std = next((v for k, v in actor.items() if k.startswith("distribution.") and "std" in k), None)
    actions = actor[f"mlp.{layers[-1]}.bias"].shape[0]
    if std is None:
        std = torch.zeros(actions)
    elif any(k.startswith("distribution.log_std") for k in actor):
        std = std.exp()
    return Policy(
        skill=skill,
        hand=hand.id,
        joint_names=hand.joint_names,
        config=config,
        mean=actor["obs_normalizer._mean"].reshape(-1).clone(),
        std=actor["obs_normalizer._std"].reshape(-1) + STD_FLOOR,
        weights=tuple(actor[f"mlp.{i}.weight"].clone() for i in layers),
        biases=tuple(actor[f"mlp.{i}.bias"].clone() for i in layers),
        action_std=std.reshape(-1).clone(),
        info=info,
    )


def actor_from_policy(
    policy: Policy, state: dict[str, torch.Tensor], weight: int
) -> dict[str, torch.Tensor]:
    """Return the state of an ``rsl_rl`` MLP actor that acts as a policy does.

    Args:
        policy: The policy.
        state: The state dictionary of an actor of the same layers; what a policy does not hold
            is taken from it.
        weight: Number of observations for which the policy's statistics count.
    """
    layers = sorted({int(name.split(".")[1]) for name in state if name.startswith("mlp.")})
    spread = policy.std - STD_FLOOR
    found = dict(state) | {
        "obs_normalizer._mean": policy.mean[None],
        "obs_normalizer._std": spread[None],
        "obs_normalizer._var": spread[None].square(),
        "obs_normalizer.count": torch.tensor(weight),
    }
    for layer, weight, bias in zip(layers, policy.weights, policy.biases, strict=True):
        found[f"mlp.{layer}.weight"], found[f"mlp.{layer}.bias"] = weight, bias
    for name in state:
        if name.startswith("distribution.") and "std" in name:
            std = policy.action_std
            found[name] = std.log() if "log_std" in name else std
    return found


def save_policy(path: Path, policy: Policy) -> None:
    """Write a policy; a kill leaves either the old file or the new one."""
    from safetensors.torch import save_file

    tensors = {"mean": policy.mean, "std": policy.std, "action_std": policy.action_std}
    for index, (weight, bias) in enumerate(zip(policy.weights, policy.biases)):
        tensors[f"layer{index}.weight"] = weight
        tensors[f"layer{index}.bias"] = bias
    metadata = {
        "format": FORMAT,
        "skill": policy.skill,
        "hand": policy.hand,
        "joint_names": json.dumps(policy.joint_names),
        "config": json.dumps(policy.config),
        "info": json.dumps(policy.info),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        save_file({k: v.float().contiguous() for k, v in tensors.items()}, temporary, metadata)


def load_policy(path: Path, *, hand: HandSpec | None = None, skill: str = "") -> Policy:
    """Read a policy.

    Args:
        path: The file.
        hand: The hand that it must be for; None accepts any.
        skill: The skill that it must be for; empty accepts any.

    Raises:
        InputError: The file is absent, damaged, or for another hand, joint order or skill.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"cannot read the weights: {error}", where=str(path)) from error
    if metadata.get("format") != FORMAT:
        raise InputError("not policy weights of this version", where=str(path))
    try:
        policy = _parse(metadata, tensors)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(
            f"the weights are not complete ({type(error).__name__}: {error})", where=str(path)
        ) from error
    if hand is not None and policy.hand != hand.id:
        raise InputError(
            f"weights of hand {policy.hand} do not fit hand {hand.id}", where=str(path)
        )
    if hand is not None and policy.joint_names != hand.joint_names:
        raise InputError(
            f"the weights' joint order is not that of hand {hand.id}",
            where=str(path),
            remedy="Train the policy again with this release of the hand",
        )
    if skill and policy.skill != skill:
        raise InputError(f"weights of skill {policy.skill}, not {skill}", where=str(path))
    sizes = [policy.observation_size, *(len(bias) for bias in policy.biases)]
    shapes = [tuple(weight.shape) for weight in policy.weights]
    if shapes != list(zip(sizes[1:], sizes)) or sizes[-1] != len(policy.joint_names):
        raise InputError("weights whose shapes do not fit together", where=str(path))
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise InputError("weights that are not finite", where=str(path))
    return policy


def _parse(metadata: dict[str, str], tensors: dict[str, torch.Tensor]) -> Policy:
    count = sum(name.endswith(".weight") for name in tensors)
    return Policy(
        skill=metadata["skill"],
        hand=metadata["hand"],
        joint_names=tuple(json.loads(metadata["joint_names"])),
        config=json.loads(metadata["config"]),
        mean=tensors["mean"],
        std=tensors["std"],
        weights=tuple(tensors[f"layer{i}.weight"] for i in range(count)),
        biases=tuple(tensors[f"layer{i}.bias"] for i in range(count)),
        action_std=tensors["action_std"],
        info=json.loads(metadata["info"]),
    )


def is_policy(path: Path) -> bool:
    """Return whether a file says of itself that it is a policy."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("format", "").startswith("dexgen-policy-")
    except (SafetensorError, OSError):
        return False


def shipped_policy(skill: SkillSpec, hand: HandSpec) -> Policy:
    """Load the policy that a skill ships for a hand.

    Args:
        skill: The skill.
        hand: The hand.

    Raises:
        InputError: It ships none for this hand, or the file cannot be used.
    """
    path = policy_file(skill, hand)
    if path is None:
        raise InputError(
            f"the skill {skill.id} ships no policy for hand {hand.id}",
            remedy=f"Train one with `dexgen-app train {skill.id} --hand {hand.id}`",
        )
    return load_policy(path, hand=hand, skill=skill.id)
