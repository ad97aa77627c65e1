"""The average of policies from late in a training.

Each is a noisy step around what the training has come to; their mean is nearer to it (Polyak and
Juditsky 1992; Izmailov et al. 2018). It needs policies of one descent: of a run, or of runs that
started from one checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.policy import Policy, load_policy


def average_policies(paths: Sequence[Path]) -> Policy:
    """Return the policy whose weights are the mean of those in files.

    Everything else is the last one's; ``info`` names the files and the runs that they are of.

    Raises:
        InputError: A file is no policy, or one of another skill, hand, layout or normalisation.
    """
    policies = [load_policy(path) for path in paths]
    last = policies[-1]
    for path, policy in zip(paths, policies):
        if problem := _find_difference(policy, last):
            raise InputError(
                f"its {problem} not that of {paths[-1].name}",
                where=str(path),
                remedy="Average policies of one run, or of runs from one checkpoint",
            )
    return replace(
        last,
        weights=tuple(_mean(parts) for parts in zip(*(p.weights for p in policies))),
        biases=tuple(_mean(parts) for parts in zip(*(p.biases for p in policies))),
        action_std=_mean([policy.action_std for policy in policies]),
        info={**last.info, "average_of": ["/".join(path.parts[-3:]) for path in paths]},
    )


def _mean(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack([part.double() for part in parts]).mean(0).float()


def _find_difference(policy: Policy, other: Policy) -> str:
    """Return what tells two policies apart that cannot be averaged; empty if nothing does."""
    if policy.skill != other.skill:
        return "skill is"
    if (policy.hand, policy.joint_names) != (other.hand, other.joint_names):
        return "hand is"
    if [w.shape for w in policy.weights] != [w.shape for w in other.weights]:
        return "layers are"
    if not (torch.equal(policy.mean, other.mean) and torch.equal(policy.std, other.std)):
        return "normalisation is"
    return ""
