"""What both engines are given: the hand's MJCF with the physics written into it."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from dexgen_app.errors import ModelError
from dexgen_app.kinematics.model import HandModel
from dexgen_app.sim.scene import compose_mujoco, environment_objects, load_hand, object_spec
from dexgen_app.sim.world import PhysicsOptions, WorldOptions
from dexgen_app.spec import ObjectSpec
from dexgen_hand_allegro.spec import RIGHT

PHYSICS = PhysicsOptions()


def test_the_composed_hand_keeps_masses_and_frames() -> None:
    text = load_hand(WorldOptions(hand=RIGHT))
    model, original = mujoco.MjModel.from_xml_string(text.xml), HandModel(RIGHT).mj_model
    np.testing.assert_allclose(model.body_mass, original.body_mass, rtol=1e-5)
    np.testing.assert_allclose(model.body_inertia, original.body_inertia, rtol=1e-4)
    np.testing.assert_allclose(model.body_pos, original.body_pos, atol=1e-9)
    assert model.jnt_range == pytest.approx(original.jnt_range)
    assert model.nexclude == original.nexclude


def test_only_collision_geometry_is_left_and_all_of_it() -> None:
    model = mujoco.MjModel.from_xml_string(load_hand(WorldOptions(hand=RIGHT)).xml)
    original = HandModel(RIGHT).mj_model
    assert model.ngeom == int((original.geom_contype != 0).sum()) > 15
    assert model.nmesh == 0
    assert (model.geom_contype != 0).all()


def test_contacts_get_the_options() -> None:
    physics = PhysicsOptions(substeps=1, torsional_friction=0.01)
    text = load_hand(WorldOptions(hand=RIGHT, physics=physics))
    model = compose_mujoco(text, ObjectSpec(friction=0.4), physics)
    assert (model.geom_condim == 4).all()
    assert model.geom_friction[:, 0] == pytest.approx(0.4)
    assert model.geom_friction[:, 1] == pytest.approx(0.01)
    assert model.geom_solref[:, 0] == pytest.approx(0.02)  # not below two substeps
    assert model.opt.timestep == pytest.approx(0.01)
    assert model.opt.impratio == 100.0
    assert not model.actuator_ctrllimited.any()


def test_without_self_collision_only_the_object_is_touched() -> None:
    options = WorldOptions(hand=RIGHT, self_collision=False)
    model = compose_mujoco(load_hand(options), ObjectSpec(), PHYSICS)
    hand = np.arange(model.ngeom) != model.geom("object").id
    assert not model.geom_conaffinity[hand].any()
    assert model.geom_contype[hand].all()


@pytest.mark.parametrize(
    ("shape", "size", "volume"),
    [
        ("cube", (0.06, 0.06, 0.06), 0.06**3),
        ("box", (0.04, 0.05, 0.08), 0.04 * 0.05 * 0.08),
        ("sphere", (0.06, 0.06, 0.06), np.pi * 0.06**3 / 6),
        ("cylinder", (0.04, 0.04, 0.1), np.pi * 0.02**2 * 0.1),
        ("capsule", (0.04, 0.04, 0.1), np.pi * (0.02**2 * 0.06 + 4 / 3 * 0.02**3)),
    ],
)
def test_sizes_are_outer_dimensions(
    shape: str, size: tuple[float, float, float], volume: float
) -> None:
    spec = object_spec(ObjectSpec(shape=shape, size=size, mass=0.1), PHYSICS)
    model = spec.compile()
    assert model.body("object").mass == pytest.approx(0.1)
    geom = spec.geoms[0]
    geom.mass, geom.density = np.nan, 1000.0
    assert spec.compile().body("object").mass == pytest.approx(1000.0 * volume, rel=1e-3)


def test_objects_are_dealt_out_in_blocks() -> None:
    kinds = tuple(ObjectSpec(mass=0.01 * (index + 1)) for index in range(3))
    options = WorldOptions(hand=RIGHT, objects=kinds, environments=8)
    dealt = [kinds.index(item) for item in environment_objects(options)]
    assert dealt == [0, 0, 0, 1, 1, 1, 2, 2]
    assert environment_objects(WorldOptions(hand=RIGHT)) == []


def test_a_hand_without_its_site_or_actuator_is_named() -> None:
    thumb = replace(RIGHT.fingers[-1], tip_site="nowhere")
    hand = replace(RIGHT, fingers=(*RIGHT.fingers[:-1], thumb))
    with pytest.raises(ModelError, match="nowhere"):
        load_hand(WorldOptions(hand=hand))
    names = ("ghost", *RIGHT.joint_names[1:])
    fingers = (replace(RIGHT.fingers[0], joints=names[:4]), *RIGHT.fingers[1:])
    with pytest.raises(ModelError, match="ghost"):
        load_hand(WorldOptions(hand=replace(RIGHT, joint_names=names, fingers=fingers)))
