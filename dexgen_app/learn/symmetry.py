"""Rotations that bring an object onto itself: poses that differ by one need the same actions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from dexgen_app.learn.rotations import from_rotation_vector, multiply
from dexgen_app.spec import ObjectSpec

MOST_TURNS = 24
"""Number of rotations of a cube onto itself, the largest finite set here."""


def own_turns(spec: ObjectSpec) -> torch.Tensor:
    """Return the rotations of an object onto itself, identity first, shape (n, 4).

    Bodies of revolution have infinitely many; of these only quarter turns are returned.
    """
    generators = []
    for axis in range(3):
        first, second = (i for i in range(3) if i != axis)
        if spec.shape in ("cylinder", "capsule"):
            quarter = axis == 2
        else:
            quarter = math.isclose(spec.size[first], spec.size[second])
        vector = torch.zeros(3)
        vector[axis] = 0.5 * math.pi if quarter else math.pi
        generators.append(from_rotation_vector(vector))
    found = [torch.tensor([1.0, 0.0, 0.0, 0.0])]
    for turn in found:  # grows while it is walked
        for generator in generators:
            candidate = multiply(generator, turn)
            if all(abs(float((candidate * known).sum())) < 0.999 for known in found):
                found.append(candidate)
    return torch.stack(found)


def turn_table(objects: Sequence[ObjectSpec]) -> torch.Tensor:
    """Return the turns of several objects, filled up with the identity, shape (n, 24, 4)."""
    table = torch.zeros(len(objects), MOST_TURNS, 4)
    table[..., 0] = 1.0
    for row, spec in enumerate(objects):
        turns = own_turns(spec)
        table[row, : len(turns)] = turns
    return table


def nearest_equivalent(
    orientation: torch.Tensor, turns: torch.Tensor, reference: torch.Tensor
) -> torch.Tensor:
    """Return the equivalent orientation nearest to a reference.

    Args:
        orientation: Unit quaternions, shape (..., 4).
        turns: Rotations of the objects onto themselves, shape (..., n, 4).
        reference: Unit quaternions, shape (..., 4).

    Returns:
        ``orientation`` times the best turn, its product with ``reference`` positive,
        shape (..., 4).
    """
    equivalent = multiply(orientation[..., None, :], turns)
    likeness = (equivalent * reference[..., None, :]).sum(-1)
    best = likeness.abs().argmax(-1, keepdim=True)
    sign = likeness.gather(-1, best).sign()
    index = best[..., None].expand(*best.shape, 4)
    return equivalent.gather(-2, index).squeeze(-2) * torch.where(sign == 0.0, 1.0, sign)
