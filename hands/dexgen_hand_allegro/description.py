"""Published figures of the Allegro Hand, and the tree of bodies that follows from them.

Sources: the manufacturer's URDF (`allegro_hand_description_right.urdf` in
`simlabrobotics/allegro_hand_ros`) for frames, lengths, joint axes and limits; the compiled mass
of the Allegro V3 in `google-deepmind/mujoco_menagerie` for the total mass. Everything is stated
for the right hand; the left hand is its mirror image in y.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

WRIST_TO_PALM = 0.095
"""Height of the published palm frame above the wrist [m]: the palm's box is that tall."""

TOTAL_MASS = 0.645
"""Mass of the whole model [kg]."""

MAX_EFFORT = 0.7
"""The manufacturer's largest joint torque [N m]."""

FINGER_LIMITS = ((-0.47, 0.47), (-0.196, 1.61), (-0.174, 1.709), (-0.227, 1.618))
"""Spread, MCP, PIP and DIP limits of a finger [rad]."""

THUMB_LIMITS = ((0.263, 1.396), (-0.105, 1.163), (-0.189, 1.644), (-0.162, 1.719))
"""Opposition, abduction, MCP and IP limits of the thumb [rad]."""

FINGER_BASES = {
    "ff": ((0.0, 0.0435, -0.001542), (0.999048, -0.0436194, 0.0, 0.0)),
    "mf": ((0.0, 0.0, 0.0007), (1.0, 0.0, 0.0, 0.0)),
    "rf": ((0.0, -0.0435, -0.001542), (0.999048, 0.0436194, 0.0, 0.0)),
}
"""Position [m] and quaternion wxyz of each finger's base in the published palm frame."""

THUMB_BASE = ((-0.0182, 0.019333, -0.045987), (0.477714, -0.521334, -0.521334, -0.477714))
"""Position [m] and quaternion wxyz of the thumb's base in the published palm frame."""

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A hinge at its body's origin: name, axis and position limits [rad]."""

    name: str
    axis: Vector
    limits: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Capsule:
    """A collision capsule between two points of its body [m]."""

    start: Vector
    end: Vector
    radius: float


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box in its body: centre and half edges [m]."""

    center: Vector
    half: Vector


@dataclass(frozen=True, kw_only=True)
class Body:
    """A link.

    Attributes:
        name: Name of the body.
        position: Origin in the parent [m].
        quaternion: Orientation in the parent, wxyz.
        joint: The hinge that carries it; None if it is welded to its parent.
        bulk: Published outline of the link, which gives its mass and inertia.
        collision: Primitives that touch things.
        shell: Name of the visual mesh and of its material.
        sites: Named points [m].
        children: Links that it carries.
    """

    name: str
    position: Vector
    quaternion: Quaternion = (1.0, 0.0, 0.0, 0.0)
    joint: Joint | None = None
    bulk: Box
    collision: tuple[Capsule | Box, ...]
    shell: tuple[tuple[str, str], ...] = ()
    sites: dict[str, Vector] = field(default_factory=dict)
    children: tuple[Body, ...] = ()


LINK_RADIUS = 0.0105
"""Radius of the link capsules [m]: the published links are 19.6 mm deep and 27.5 mm wide."""

TIP_RADIUS = 0.012
"""Published radius of the rubber fingertips [m]."""

_PAD = TIP_RADIUS * 0.5**0.5
"""Offset of a fingertip's contact point from the tip's centre, along +x and +z [m]."""


def _along(length: float, inset: float) -> Capsule:
    """Return the capsule of a link of ``length`` whose ends are inset from the joints [m]."""
    return Capsule(start=(0.0, 0.0, inset), end=(0.0, 0.0, length - inset), radius=LINK_RADIUS)


def _link_box(length: float) -> Box:
    return Box(center=(0.0, 0.0, length / 2), half=(0.0098, 0.01375, length / 2))


def _tip(prefix: str, distance: float, kind: str) -> Body:
    """Return the rubber tip, whose frame is the published tip frame: the ball's centre."""
    return Body(
        name=f"{prefix}_tip",
        position=(0.0, 0.0, distance),
        bulk=Box(center=(0.0, 0.0, -0.002), half=(0.0098, 0.0098, 0.0112)),
        collision=(Capsule(start=(0.0, 0.0, -0.013), end=(0.0, 0.0, 0.0), radius=TIP_RADIUS),),
        shell=((f"{kind}_tip", f"rubber_{prefix}"),),
        sites={f"{prefix}_tip": (_PAD, 0.0, _PAD)},
    )


def finger(prefix: str) -> Body:
    """Return one of the three equal fingers: ``ff`` (index), ``mf`` (middle) or ``rf`` (ring)."""
    position, quaternion = FINGER_BASES[prefix]
    names = [f"{prefix}j{i}" for i in range(4)]
    axes = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    joints = [
        Joint(name=name, axis=axis, limits=limits)
        for name, axis, limits in zip(names, axes, FINGER_LIMITS)
    ]
    distal = Body(
        name=f"{prefix}_distal",
        position=(0.0, 0.0, 0.0384),
        joint=joints[3],
        bulk=_link_box(0.016),
        collision=(Capsule(start=(0.0, 0.0, 0.002), end=(0.0, 0.0, 0.012), radius=LINK_RADIUS),),
        shell=(("distal", "shell"), ("knuckle", "metal")),
        children=(_tip(prefix, 0.0267, "finger"),),
    )
    medial = Body(
        name=f"{prefix}_medial",
        position=(0.0, 0.0, 0.054),
        joint=joints[2],
        bulk=_link_box(0.0384),
        collision=(_along(0.0384, 0.0095),),
        shell=(("medial", "shell"), ("knuckle", "metal")),
        sites={f"{prefix}_pip": (0.0, 0.0, 0.0)},
        children=(distal,),
    )
    proximal = Body(
        name=f"{prefix}_proximal",
        position=(0.0, 0.0, 0.0164),
        joint=joints[1],
        bulk=_link_box(0.054),
        collision=(_along(0.054, 0.0095),),
        shell=(("proximal", "shell"), ("knuckle", "metal")),
        children=(medial,),
    )
    return Body(
        name=f"{prefix}_base",
        position=position,
        quaternion=quaternion,
        joint=joints[0],
        bulk=_link_box(0.0164),
        collision=(Capsule(start=(0.0, -0.004, 0.0082), end=(0.0, 0.004, 0.0082), radius=0.0098),),
        shell=(("base", "frame"),),
        children=(proximal,),
    )


def thumb() -> Body:
    """Return the thumb."""
    position, quaternion = THUMB_BASE
    axes = ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    joints = [
        Joint(name=f"thj{i}", axis=axis, limits=limits)
        for i, (axis, limits) in enumerate(zip(axes, THUMB_LIMITS))
    ]
    distal = Body(
        name="th_distal",
        position=(0.0, 0.0, 0.0514),
        joint=joints[3],
        bulk=_link_box(0.0314),
        collision=(Capsule(start=(0.0, 0.0, 0.002), end=(0.0, 0.0, 0.026), radius=LINK_RADIUS),),
        shell=(("thumb_distal", "shell"), ("knuckle", "metal")),
        children=(_tip("th", 0.0423, "thumb"),),
    )
    medial = Body(
        name="th_medial",
        position=(0.0, 0.0, 0.0177),
        joint=joints[2],
        bulk=_link_box(0.0514),
        collision=(_along(0.0514, 0.0095),),
        shell=(("thumb_medial", "shell"), ("knuckle", "metal")),
        sites={"th_pip": (0.0, 0.0, 0.0)},
        children=(distal,),
    )
    proximal = Body(
        name="th_proximal",
        position=(-0.027, 0.005, 0.0399),
        joint=joints[1],
        bulk=_link_box(0.0177),
        collision=(
            Capsule(start=(0.0, -0.003, 0.00885), end=(0.0, 0.003, 0.00885), radius=LINK_RADIUS),
        ),
        shell=(("thumb_proximal", "frame"),),
        children=(medial,),
    )
    outline = Box(center=(-0.0179, 0.009, 0.0145), half=(0.0179, 0.017, 0.02275))
    return Body(
        name="th_base",
        position=position,
        quaternion=quaternion,
        joint=joints[0],
        bulk=outline,
        collision=(outline,),
        shell=(("thumb_base", "frame"),),
        children=(proximal,),
    )


def _from_wrist(body: Body) -> Body:
    """Move a body from the published palm frame to the wrist frame."""
    x, y, z = body.position
    return replace(body, position=(x, y, round(z + WRIST_TO_PALM, 6)))


def palm() -> Body:
    """Return the palm with all that hangs on it; its frame is the wrist, at its lower edge."""
    outline = Box(center=(-0.0093, 0.0, 0.0475), half=(0.0204, 0.0565, 0.0475))
    return Body(
        name="palm",
        position=(0.0, 0.0, 0.0),
        bulk=outline,
        collision=(outline,),
        shell=(("palm", "palm"), ("pad", "pad")),
        sites={"palm": (0.0111, 0.0, 0.0475)},
        children=tuple(_from_wrist(b) for b in (finger("ff"), finger("mf"), finger("rf"), thumb())),
    )
