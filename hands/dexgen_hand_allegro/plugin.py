"""The plugin: declares the Allegro Hand, right and left."""

from __future__ import annotations

from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import HandSpec


@hookimpl
def register_hands() -> list[HandSpec]:
    """Declare both hands."""
    from dexgen_hand_allegro.spec import LEFT, RIGHT

    return [RIGHT, LEFT]
