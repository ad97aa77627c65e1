from __future__ import annotations

import numpy as np
from tiny_hand import MJCF, TinyHand

from dexgen_app.render.scene import OBJECT, hand_scene
from dexgen_app.spec import ObjectSpec


def scene_of(mjcf: str, object: ObjectSpec | None = None):
    return hand_scene(TinyHand(mjcf), object)  # type: ignore[arg-type]


def test_a_part_a_body_and_the_object_last() -> None:
    scene = scene_of(MJCF, ObjectSpec())
    assert scene.names == ("palm", "index", "thumb", OBJECT)
    assert [part.body for part in scene.parts] == [0, 1, 2, None]
    assert scene.hand_parts == 3
    assert scene.index("thumb") == 2


def test_only_visual_geoms_are_drawn() -> None:
    palm = scene_of(MJCF).parts[0]
    assert palm.radius < 0.12  # the collision ball has 0.2


def test_without_visual_geoms_all_are_drawn() -> None:
    palm = scene_of(MJCF.replace('group="2"', 'group="0"')).parts[0]
    assert palm.radius > 0.19


def test_invisible_geoms_and_planes_are_left_out() -> None:
    hidden = '<geom group="2" type="sphere" size="0.5" rgba="1 1 1 0"/>'
    plane = '<geom group="2" type="plane" size="1 1 1"/>'
    scene = scene_of(MJCF.replace("<worldbody>", f"<worldbody>{hidden}{plane}"))
    assert scene.names == ("palm", "index", "thumb")


def test_geoms_of_the_world_stay_in_the_hand_frame() -> None:
    stand = '<geom group="2" type="box" size="0.1 0.1 0.01"/>'
    scene = scene_of(MJCF.replace("<worldbody>", f"<worldbody>{stand}"))
    assert scene.parts[0].body == -1
    np.testing.assert_allclose(scene.rest[0], [0, 0, 0, 1, 0, 0, 0])


def test_meshes_are_drawn_in_the_frame_of_their_body() -> None:
    mesh = '<asset><mesh name="m" vertex="0 0 0 .1 0 0 0 .1 0 0 0 .1"/></asset>'
    geom = '<geom group="2" type="mesh" mesh="m" pos="0 0 0.5"/>'
    mjcf = MJCF.replace("<worldbody>", f"{mesh}<worldbody>")
    mjcf = mjcf.replace('<body name="palm">', f'<body name="palm">{geom}')
    vertices = scene_of(mjcf).parts[0].mesh.vertices
    for corner in ([0, 0, 0.5], [0.1, 0, 0.5], [0, 0.1, 0.5], [0, 0, 0.6]):
        assert np.linalg.norm(vertices - corner, axis=1).min() < 1e-6


def test_colours_and_gloss_come_from_material_or_geom() -> None:
    scene = scene_of(MJCF)
    index = np.unique(np.round(scene.parts[1].colors, 3), axis=0)
    np.testing.assert_allclose(index, [[0.1, 0.5, 0.9, 0.7], [0.85, 0.85, 0.84, 0.45]], atol=1e-3)


def test_rest_holds_the_object_and_extent_covers_open_and_closed_hand() -> None:
    scene = scene_of(MJCF, ObjectSpec())
    np.testing.assert_allclose(scene.rest[-1, :3], [0.06, 0.0, 0.05])
    lower, upper = scene.extent
    assert upper[2] > 0.165  # open fingers
    assert upper[0] > 0.085  # the object
    centre, radius = scene.bounds()
    assert (np.linalg.norm(scene.outline - centre, axis=1) <= 1.1 * radius).all()
    assert lower[0] < -0.01
