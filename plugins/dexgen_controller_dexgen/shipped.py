"""Finds the weights that come with the controller, without loading them."""

from __future__ import annotations

import json
from pathlib import Path

from dexgen_app.errors import InputError
from dexgen_app.spec import HandSpec

WEIGHTS = Path(__file__).parent / "weights"
_LENGTH = 8
"""Bytes of the header's length at the start of a safetensors file."""


def weights_for(hand: HandSpec) -> Path:
    """Return the shipped weights for a hand or its mirror image.

    Raises:
        InputError: There are none.
    """
    for path in sorted(WEIGHTS.glob("*.safetensors")):
        info = _read_info(path)
        if hand.id in (info.get("hand"), info.get("mirror_hand")):
            return path
    raise InputError(
        f"there are no weights for hand {hand.id}",
        where=str(WEIGHTS),
        remedy=f"Make them with `dexgen-app build-controller --hand {hand.id}`",
    )


def missing(hand: HandSpec) -> str:
    """Say why the controller cannot run on a hand; an empty text where it can."""
    try:
        weights_for(hand)
    except InputError as error:
        return f"DexGen cannot run: {error.what}. {error.remedy}."
    return ""


def _read_info(path: Path) -> dict[str, object]:
    """Return the description in a file's header; empty if it is no controller model.

    The header is read by hand: importing torch for it would hold up the window for seconds.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            header = json.loads(file.read(min(length, path.stat().st_size)))
        info = json.loads(header["__metadata__"]["info"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return info if isinstance(info, dict) else {}
