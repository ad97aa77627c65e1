"""Surface points lie on the surface, normals point out, projections are nearest."""

from __future__ import annotations

import pytest
import torch

from dexgen_app.spec import ObjectSpec
from dexgen_skill_anygrasp.grasps.surface import project_to_surface, sample_surface

OBJECTS = [
    ObjectSpec(shape="cube", size=(0.06, 0.06, 0.06)),
    ObjectSpec(shape="box", size=(0.04, 0.06, 0.09)),
    ObjectSpec(shape="sphere", size=(0.07, 0.07, 0.07)),
    ObjectSpec(shape="cylinder", size=(0.05, 0.05, 0.08)),
    ObjectSpec(shape="capsule", size=(0.05, 0.05, 0.1)),
]


@pytest.fixture(params=OBJECTS, ids=lambda o: o.shape)
def item(request: pytest.FixtureRequest) -> ObjectSpec:
    return request.param


def test_samples_are_their_own_projection(item: ObjectSpec) -> None:
    points, normals = sample_surface(item, 500, torch.Generator().manual_seed(0))
    again, normal = project_to_surface(item, points + 1e-4 * normals)
    assert torch.allclose(points, again, atol=2e-5)
    assert float((normal * normals).sum(-1).median()) > 0.999


def test_no_sample_is_nearer_than_the_projection(item: ObjectSpec) -> None:
    generator = torch.Generator().manual_seed(1)
    points, _ = sample_surface(item, 4000, generator)
    queries = 0.1 * (torch.rand(200, 3, generator=generator) - 0.5)
    surface, _ = project_to_surface(item, queries)
    claimed = torch.linalg.vector_norm(surface - queries, dim=-1)
    assert bool((torch.cdist(queries, points).amin(-1) > claimed - 1e-6).all())


def test_box_faces_are_hit_by_area() -> None:
    item = ObjectSpec(shape="box", size=(0.02, 0.04, 0.08))
    _, normals = sample_surface(item, 20000, torch.Generator().manual_seed(2))
    share = normals.abs().mean(0)
    assert share.tolist() == pytest.approx([32 / 56, 16 / 56, 8 / 56], abs=0.02)
