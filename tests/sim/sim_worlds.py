"""Objects, engines and states that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from dexgen_app.sim.world import World
from dexgen_app.spec import ObjectSpec
from dexgen_hand_allegro.spec import RIGHT

CUBE = ObjectSpec()
SPHERE = ObjectSpec(shape="sphere", size=(0.05, 0.05, 0.05), mass=0.08)
ENGINES = ("mujoco", pytest.param("genesis", marks=pytest.mark.genesis))

WorldOf = Callable[..., World]


def restore(world: World) -> None:
    """Undo what a test did to a world."""
    n = world.options.environments
    kinds = world.options.objects
    world.set_gains(*world.first_gains)
    if kinds:
        items = [kinds[index * len(kinds) // n] for index in range(n)]
        friction = torch.tensor([item.friction for item in items])
        world.set_friction(friction, friction)
        world.set_object_mass(torch.tensor([item.mass for item in items]))
    world.set_gravity(torch.tensor([[-1.0, 0.0, 0.0]]).repeat(n, 1))
    world.reset(rows(RIGHT.home, n), rows((*RIGHT.grasp_center, 1.0, 0.0, 0.0, 0.0), n))


def rows(values: tuple[float, ...], n: int) -> torch.Tensor:
    """Repeat one row for ``n`` environments."""
    return torch.tensor([values]).repeat(n, 1)
