"""Objects and directions of gravity by name, such as ``cylinder:60x80`` and ``palm_up``."""

from __future__ import annotations

from dexgen_app.errors import InputError
from dexgen_app.spec import GRAVITY_DIRECTIONS, ObjectSpec

_COUNTS = {"cube": 1, "sphere": 1, "box": 3, "cylinder": 2, "capsule": 2}

HELP = (
    "shape and size: cube:MM, sphere:MM, box:XxYxZ, cylinder:DIAMETERxLENGTH, "
    "capsule:DIAMETERxLENGTH; all in millimetres"
)


def parse_object(text: str) -> ObjectSpec:
    """Return the object that a text such as ``cube:60`` or ``cylinder:60x80`` names.

    Args:
        text: Shape, colon, and lengths in millimetres joined by ``x``.

    Raises:
        InputError: The text names no object.
    """
    shape, _, sizes = text.partition(":")
    remedy = "Write cube:60, sphere:70, box:40x60x80, cylinder:60x80 or capsule:50x90"
    if shape not in _COUNTS:
        raise InputError(f"unknown shape {shape!r}", where="--object", remedy=remedy)
    try:
        lengths = [0.001 * float(part) for part in (sizes or "60").split("x")]
    except ValueError as error:
        raise InputError(f"{sizes!r} is no size", where="--object", remedy=remedy) from error
    if len(lengths) != _COUNTS[shape]:
        raise InputError(
            f"a {shape} has {_COUNTS[shape]} lengths, not {len(lengths)}",
            where="--object",
            remedy=remedy,
        )
    if len(lengths) == 1:
        lengths = lengths * 3
    elif len(lengths) == 2:
        lengths = [lengths[0], lengths[0], lengths[1]]
    rounded = tuple(round(length, 6) for length in lengths)
    try:
        return ObjectSpec(shape=shape, size=rounded)  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(str(error), where="--object", remedy=remedy) from error


def check_gravity(name: str) -> None:
    """Refuse a name that is no key of ``GRAVITY_DIRECTIONS``.

    Raises:
        InputError: It is none.
    """
    if name not in GRAVITY_DIRECTIONS:
        known = ", ".join(GRAVITY_DIRECTIONS)
        raise InputError(f"there is no gravity {name!r}", where="--gravity", remedy=f"Use {known}")
