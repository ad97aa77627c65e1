"""Write ``models/right.xml``, ``models/left.xml`` and their meshes from the published figures.

Run it after a change to ``description.py`` or ``shells.py``::

    python -m dexgen_hand_allegro.build_models

The left hand is the right hand mirrored in y: positions and quaternions are reflected, flexion
keeps its axis, the thumb's opposition and abduction axes turn round so that they keep their
limits, and the symmetric spread joints keep their axis, so that they count the other way.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from dexgen_hand_allegro.description import MAX_EFFORT, TOTAL_MASS, Body, Box, Capsule, Vector, palm
from dexgen_hand_allegro.shells import ONE_SIDED, write_shells

MODELS = Path(__file__).parent / "models"

STIFFNESS = 3.0
"""Position gain of every actuator [N m/rad]."""

DAMPING = 0.1
"""Velocity gain of every actuator [N m s/rad]."""

COLOURS = {
    "palm": "0.13 0.14 0.16 1",
    "pad": "0.30 0.32 0.35 1",
    "frame": "0.24 0.26 0.29 1",
    "metal": "0.45 0.47 0.50 1",
    "shell": "0.80 0.82 0.84 1",
    "rubber_ff": "0.13 0.55 0.87 1",
    "rubber_mf": "0.18 0.68 0.47 1",
    "rubber_rf": "0.93 0.62 0.15 1",
    "rubber_th": "0.85 0.31 0.36 1",
}
"""Materials, RGBA."""


def _walk(body: Body) -> Iterator[Body]:
    yield body
    for child in body.children:
        yield from _walk(child)


def _text(values: tuple[float, ...]) -> str:
    return " ".join(f"{value + 0.0:.7g}" for value in values)


def _volume(box: Box) -> float:
    return 8.0 * math.prod(box.half)


class _Writer:
    """Writes one hand; ``sign`` is 1 for the right hand and -1 for the left."""

    def __init__(self, side: str) -> None:
        self.side = side
        self.sign = 1.0 if side == "right" else -1.0
        self.root = palm()
        self.density = TOTAL_MASS / sum(_volume(body.bulk) for body in _walk(self.root))
        self.meshes: dict[str, str] = {}

    def point(self, point: Vector) -> str:
        return _text((point[0], self.sign * point[1], point[2]))

    def axis(self, name: str, axis: Vector) -> str:
        """Reflect a rotation axis, which is a pseudo-vector; spread joints keep theirs."""
        if self.sign > 0 or (name[:2] != "th" and name.endswith("0")):
            return _text(axis)
        return _text((-axis[0], axis[1], -axis[2]))

    def body(self, parent: ElementTree.Element, body: Body) -> None:
        w, x, y, z = body.quaternion
        attributes = {"name": body.name, "pos": self.point(body.position)}
        if body.quaternion != (1.0, 0.0, 0.0, 0.0):
            attributes["quat"] = _text((w, self.sign * x, y, self.sign * z))
        if body.name == "palm":
            attributes["childclass"] = "allegro"
        node = ElementTree.SubElement(parent, "body", attributes)
        self.inertial(node, body.bulk)
        if body.joint is not None:
            joint = body.joint
            ElementTree.SubElement(
                node,
                "joint",
                name=joint.name,
                axis=self.axis(joint.name, joint.axis),
                range=_text(joint.limits),
            )
        for mesh, material in body.shell:
            self.visual(node, mesh, material)
        for index, shape in enumerate(body.collision):
            self.collision(node, f"{body.name}_collision{index or ''}", shape)
        for name, point in body.sites.items():
            ElementTree.SubElement(node, "site", name=name, pos=self.point(point))
        for child in body.children:
            self.body(node, child)

    def inertial(self, node: ElementTree.Element, bulk: Box) -> None:
        mass = self.density * _volume(bulk)
        a, b, c = (half * half for half in bulk.half)
        ElementTree.SubElement(
            node,
            "inertial",
            pos=self.point(bulk.center),
            mass=f"{mass:.6g}",
            diaginertia=_text((mass / 3 * (b + c), mass / 3 * (a + c), mass / 3 * (a + b))),
        )

    def visual(self, node: ElementTree.Element, mesh: str, material: str) -> None:
        file = mesh if mesh not in ONE_SIDED else f"{mesh}_{self.side}"
        self.meshes[mesh] = f"{file}.obj"
        ElementTree.SubElement(
            node, "geom", {"class": "visual", "mesh": mesh, "material": material}
        )

    def collision(self, node: ElementTree.Element, name: str, shape: Capsule | Box) -> None:
        if isinstance(shape, Capsule):
            geometry = {
                "type": "capsule",
                "fromto": f"{self.point(shape.start)} {self.point(shape.end)}",
                "size": f"{shape.radius:g}",
            }
        else:
            geometry = {
                "type": "box",
                "pos": self.point(shape.center),
                "size": _text(shape.half),
            }
        ElementTree.SubElement(node, "geom", {"name": name, "class": "collision", **geometry})

    def excludes(self) -> Iterator[tuple[str, str]]:
        """Yield pairs of links of one chain that touch by construction."""
        for base in self.root.children:
            proximal = base.children[0]
            medial = proximal.children[0]
            distal = medial.children[0]
            yield "palm", base.name
            yield "palm", proximal.name
            yield base.name, medial.name
            yield proximal.name, distal.name
            yield medial.name, distal.children[0].name

    def document(self) -> ElementTree.Element:
        """Return the whole model."""
        model = ElementTree.Element("mujoco", model=f"allegro_{self.side}")
        ElementTree.SubElement(
            model, "compiler", angle="radian", autolimits="true", meshdir="meshes"
        )
        default = ElementTree.SubElement(
            ElementTree.SubElement(model, "default"), "default", {"class": "allegro"}
        )
        ElementTree.SubElement(default, "joint", type="hinge", armature="0.001", damping="0.01")
        ElementTree.SubElement(
            default,
            "position",
            kp=f"{STIFFNESS:g}",
            kv=f"{DAMPING:g}",
            forcerange=f"{-MAX_EFFORT:g} {MAX_EFFORT:g}",
        )
        ElementTree.SubElement(default, "site", type="sphere", size="0.002", group="4")
        visual = ElementTree.SubElement(default, "default", {"class": "visual"})
        ElementTree.SubElement(
            visual, "geom", type="mesh", contype="0", conaffinity="0", group="2", mass="0"
        )
        collision = ElementTree.SubElement(default, "default", {"class": "collision"})
        ElementTree.SubElement(collision, "geom", group="3", mass="0", friction="1 0.005 0.0001")
        asset = ElementTree.SubElement(model, "asset")
        world = ElementTree.SubElement(model, "worldbody")
        self.body(world, self.root)
        for name, colour in COLOURS.items():
            rubber = name.startswith("rubber")
            ElementTree.SubElement(
                asset,
                "material",
                name=name,
                rgba=colour,
                specular="0.1" if rubber else "0.4",
                shininess="0.1" if rubber else "0.5",
            )
        for name, file in self.meshes.items():
            ElementTree.SubElement(asset, "mesh", name=name, file=file)
        contact = ElementTree.SubElement(model, "contact")
        for first, second in self.excludes():
            ElementTree.SubElement(contact, "exclude", body1=first, body2=second)
        actuator = ElementTree.SubElement(model, "actuator")
        for body in _walk(self.root):
            if body.joint is not None:
                ElementTree.SubElement(
                    actuator,
                    "position",
                    name=body.joint.name.replace("j", "a"),
                    joint=body.joint.name,
                    ctrlrange=_text(body.joint.limits),
                    **{"class": "allegro"},
                )
        return model


def build(side: str) -> str:
    """Return the MJCF of the ``right`` or ``left`` hand."""
    document = _Writer(side).document()
    document.insert(
        0,
        ElementTree.Comment(
            " Written by dexgen_hand_allegro.build_models from published figures; do not edit. "
        ),
    )
    ElementTree.indent(document)
    return ElementTree.tostring(document, encoding="unicode") + "\n"


def main() -> None:
    """Write both models and every mesh."""
    MODELS.mkdir(exist_ok=True)
    write_shells(MODELS / "meshes")
    for side in ("right", "left"):
        (MODELS / f"{side}.xml").write_text(build(side), encoding="utf-8")


if __name__ == "__main__":
    main()
