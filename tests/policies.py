"""Policies for tests that never act with them, or only with zeros."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from dexgen_app.learn.policy import Policy
from dexgen_hand_allegro.spec import RIGHT


def make_policy(observations: int = 3, **changes: Any) -> Policy:
    """Return a policy of one layer that always gives zeros, with some fields changed."""
    policy = Policy(
        skill="anygrasp",
        hand=RIGHT.id,
        joint_names=RIGHT.joint_names,
        config={},
        mean=torch.zeros(observations),
        std=torch.ones(observations),
        weights=(torch.zeros(16, observations),),
        biases=(torch.zeros(16),),
        action_std=torch.ones(16),
    )
    return replace(policy, **changes)
