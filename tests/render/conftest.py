"""Fixtures of the drawing tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tiny_hand import TinyHand

from dexgen_app.render.renderer import SceneRenderer
from dexgen_app.render.stage import Stage
from dexgen_app.spec import ObjectSpec


@pytest.fixture
def hand() -> TinyHand:
    return TinyHand()


@pytest.fixture
def stage(hand: TinyHand) -> Stage:
    return Stage(hand, ObjectSpec())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def renderer() -> Iterator[SceneRenderer]:
    renderer = SceneRenderer()
    yield renderer
    renderer.close()
