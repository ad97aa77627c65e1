"""Rotations of objects onto themselves, and the equivalent orientation nearest to a reference."""

from __future__ import annotations

import math

import pytest
import torch

from dexgen_app.learn.rotations import (
    angle_between,
    from_rotation_vector,
    multiply,
    random_quaternions,
    rotate,
)
from dexgen_app.learn.symmetry import nearest_equivalent, own_turns, turn_table
from dexgen_app.spec import ObjectSpec


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        (ObjectSpec(), 24),
        (ObjectSpec(shape="box", size=(0.05, 0.05, 0.07)), 8),
        (ObjectSpec(shape="box", size=(0.05, 0.06, 0.07)), 4),
        (ObjectSpec(shape="cylinder", size=(0.06, 0.06, 0.06)), 8),
        (ObjectSpec(shape="sphere", size=(0.06, 0.06, 0.06)), 24),
    ],
)
def test_every_turn_brings_the_object_onto_itself(spec: ObjectSpec, count: int) -> None:
    turns = own_turns(spec)
    assert turns.shape == (count, 4)
    assert turns[0].tolist() == [1.0, 0.0, 0.0, 0.0]
    half = 0.5 * torch.tensor(spec.size)
    corners = half * torch.tensor([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    for turn in turns:
        moved = rotate(turn.expand(8, 4), corners)
        assert float(torch.cdist(moved, corners).amin(1).max()) < 1e-6
    apart = angle_between(turns[:, None], turns[None]) + 10.0 * torch.eye(count)
    assert float(apart.min()) > 1.5


def test_equivalent_orientations_are_seen_as_one() -> None:
    turns = own_turns(ObjectSpec())
    generator = torch.Generator().manual_seed(0)
    orientation = random_quaternions(50, generator)
    reference = torch.tensor([1.0, 0.0, 0.0, 0.0]).expand(50, 4)
    seen = nearest_equivalent(orientation, turns.expand(50, -1, 4), reference)
    # No orientation of a cube is farther from its nearest equivalent than 62.8 degrees.
    assert float(angle_between(seen, reference).max()) < math.radians(62.9)
    other = multiply(orientation, turns[torch.randint(24, (50,), generator=generator)])
    again = nearest_equivalent(other, turns.expand(50, -1, 4), reference)
    assert torch.allclose(seen, again, atol=1e-5)


def test_a_table_of_several_objects_is_filled_up_with_the_identity() -> None:
    table = turn_table([ObjectSpec(), ObjectSpec(shape="box", size=(0.05, 0.06, 0.07))])
    assert table.shape == (2, 24, 4)
    turned = from_rotation_vector(torch.tensor([[0.5 * math.pi, 0.0, 0.0]]))
    reference = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    cube = nearest_equivalent(turned, table[:1], reference)
    box = nearest_equivalent(turned, table[1:], reference)
    assert float(angle_between(cube, reference)) < 1e-3
    assert float(angle_between(box, reference)) == pytest.approx(0.5 * math.pi, abs=1e-3)
