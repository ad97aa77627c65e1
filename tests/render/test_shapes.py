from __future__ import annotations

import math

import numpy as np
import pytest

from dexgen_app.render.objects import object_part
from dexgen_app.render.shapes import (
    Mesh,
    arrow,
    capsule_profile,
    cylinder_profile,
    ellipsoid,
    join,
    revolve,
    rounded_box,
    rounded_square,
)
from dexgen_app.spec import ObjectSpec

SHAPES = {
    "box": (rounded_box(np.array([0.03, 0.02, 0.04]), 0.002), 0.06 * 0.04 * 0.08),
    "ball": (ellipsoid(np.full(3, 0.03)), 4 / 3 * math.pi * 0.03**3),
    "ellipsoid": (
        ellipsoid(np.array([0.01, 0.02, 0.03])),
        4 / 3 * math.pi * 0.01 * 0.02 * 0.03,
    ),
    "capsule": (
        revolve(capsule_profile(0.01, 0.03), 28),
        4 / 3 * math.pi * 0.01**3 + math.pi * 0.01**2 * 0.06,
    ),
    "cylinder": (revolve(cylinder_profile(0.02, 0.03, 0.001), 32), math.pi * 0.02**2 * 0.06),
}


def volume(mesh: Mesh) -> float:
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(float), 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


@pytest.mark.parametrize("name", SHAPES)
def test_volume_is_that_of_the_shape(name: str) -> None:
    mesh, expected = SHAPES[name]
    assert volume(mesh) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("name", SHAPES)
def test_normals_are_unit_and_outward(name: str) -> None:
    mesh = SHAPES[name][0]
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-5)
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    face = np.cross(b - a, c - a)
    mean = mesh.normals[mesh.faces].mean(axis=1)
    assert (np.einsum("ij,ij->i", face, mean) > 0.0).all()


@pytest.mark.parametrize(
    "spec",
    [
        ObjectSpec(shape="cube", size=(0.06, 0.06, 0.06)),
        ObjectSpec(shape="box", size=(0.08, 0.05, 0.03)),
        ObjectSpec(shape="sphere", size=(0.06, 0.06, 0.06)),
        ObjectSpec(shape="cylinder", size=(0.05, 0.05, 0.08)),
        ObjectSpec(shape="capsule", size=(0.05, 0.05, 0.10)),
    ],
    ids=lambda spec: spec.shape,
)
def test_objects_have_their_size_and_several_colours(spec: ObjectSpec) -> None:
    part = object_part("object", spec)
    extent = np.ptp(part.mesh.vertices, axis=0)
    np.testing.assert_allclose(extent, spec.size, atol=1e-3)
    assert len(np.unique(part.colors, axis=0)) >= 4
    assert len(part.colors) == len(part.mesh.vertices)


def test_join_keeps_every_triangle() -> None:
    square = rounded_square((0.01, 0.02), 0.002)
    both = join([square, arrow()])
    assert len(both.faces) == len(square.faces) + len(arrow().faces)
    assert both.faces.max() == len(both.vertices) - 1


def test_moved_turns_and_shifts() -> None:
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    mesh = rounded_square((0.01, 0.02), 0.002).moved(turn, np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(np.ptp(mesh.vertices, axis=0), [0.04, 0.02, 0.0], atol=1e-6)
    assert mesh.vertices[:, 0].mean() == pytest.approx(1.0, abs=1e-3)
