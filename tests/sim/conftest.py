"""Worlds for the tests of this folder: each kind is built once a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sim_worlds import CUBE, WorldOf, restore

from dexgen_app.sim.world import Engine, World, WorldOptions, make_world
from dexgen_hand_allegro.spec import RIGHT


@pytest.fixture(scope="session")
def _worlds() -> Iterator[dict[tuple[str, WorldOptions], World]]:
    worlds: dict[tuple[str, WorldOptions], World] = {}
    yield worlds
    for world in worlds.values():
        world.close()


@pytest.fixture
def world_of(_worlds: dict[tuple[str, WorldOptions], World]) -> WorldOf:
    """A function ``(engine, environments, objects, **options) -> World`` in the initial state."""

    def get(
        engine: Engine, environments: int = 4, objects: tuple = (CUBE,), **options: object
    ) -> World:
        wanted = WorldOptions(hand=RIGHT, environments=environments, objects=objects, **options)
        key = (engine, wanted)
        if key not in _worlds:
            _worlds[key] = make_world(engine, wanted)
            _worlds[key].first_gains = _worlds[key].gains()
        world = _worlds[key]
        restore(world)
        return world

    return get
