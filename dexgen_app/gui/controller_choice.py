"""Which controller fits a hand, and which one a newcomer gets."""

from __future__ import annotations

import logging

from dexgen_app.errors import DexgenError
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import ControllerSpec, HandSpec

log = logging.getLogger("dexgen_app.gui")
_PLAIN = "direct"


def why_not(registry: PluginRegistry, spec: ControllerSpec, hand: HandSpec) -> str:
    """Return why a controller cannot run on a hand; an empty text where it can."""
    if spec.hands and hand.id not in spec.hands:
        return f"{spec.title} does not support {hand.title}."
    if not spec.ready:
        return ""
    try:
        return str(registry.build(spec.ready, hand, owner_id=spec.id))
    except DexgenError as error:
        log.error("%s", error)
        return str(error)


def suggest(registry: PluginRegistry, hand: HandSpec) -> str:
    """Return the controller for a person who has chosen none: a preferred one that is ready."""
    known = registry.controllers
    fitting = [spec for spec in known.values() if not spec.hands or hand.id in spec.hands]
    for spec in fitting:
        if spec.preferred and not why_not(registry, spec, hand):
            return spec.id
    if _PLAIN in known:
        return _PLAIN
    return next((spec.id for spec in fitting), next(iter(known), _PLAIN))
