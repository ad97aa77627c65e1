from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh

from dexgen_app.render.normals import cached_creased, creased


def test_a_cube_keeps_its_edges() -> None:
    cube = trimesh.creation.box((1, 1, 1))
    mesh = creased(cube.vertices, cube.faces)
    assert len(mesh.vertices) == 24
    np.testing.assert_allclose(np.abs(mesh.normals).max(axis=1), 1.0)


def test_a_ball_is_smooth() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3)
    mesh = creased(ball.vertices, ball.faces)
    assert len(mesh.vertices) == len(ball.vertices)
    np.testing.assert_allclose(mesh.normals, mesh.vertices, atol=0.02)


def test_a_cylinder_is_smooth_round_and_sharp_at_its_rims() -> None:
    can = trimesh.creation.cylinder(1.0, 2.0, sections=32)
    mesh = creased(can.vertices, can.faces)
    flat = np.abs(mesh.normals[:, 2]) > 0.99
    round_ = np.abs(mesh.normals[:, 2]) < 0.01
    assert (flat | round_).all()
    side = mesh.vertices[round_, :2]
    np.testing.assert_allclose(mesh.normals[round_, :2], side, atol=0.02)


def test_triangles_without_area_are_dropped() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0.0]])
    mesh = creased(vertices, np.array([[0, 1, 2], [0, 1, 3]]))
    assert len(mesh.faces) == 1
    assert np.isfinite(mesh.normals).all()


def test_the_cache_is_used_and_survives_damage(tmp_path: Path) -> None:
    cube = trimesh.creation.box((1, 1, 1))
    first = cached_creased(cube.vertices, cube.faces, tmp_path)
    (stored,) = tmp_path.glob("*.npz")
    np.savez(stored, vertices=first.vertices * 2, normals=first.normals, faces=first.faces)
    again = cached_creased(cube.vertices, cube.faces, tmp_path)
    np.testing.assert_allclose(again.vertices, first.vertices * 2)
    stored.write_bytes(b"PK damaged")
    mended = cached_creased(cube.vertices, cube.faces, tmp_path)
    np.testing.assert_allclose(mended.vertices, first.vertices)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    cube = trimesh.creation.box((1, 1, 1))
    assert len(cached_creased(cube.vertices, cube.faces, blocked / "folder").faces) == 12
