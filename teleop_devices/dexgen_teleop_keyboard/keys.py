"""The key map: what each key does in each mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dexgen_app.spec import KeySpec

Mode = Literal["synergy", "joint", "fingertip"]
MODES: tuple[Mode, ...] = ("synergy", "joint", "fingertip")
MODE_KEY = "m"
FINGER_KEYS = ("1", "2", "3", "4", "5")


@dataclass(frozen=True)
class Binding:
    """What a key does in one mode.

    Attributes:
        key: The key.
        action: ``close`` and the like for a synergy, the number of a joint or of an axis.
        sign: Direction.
        title: What it does, in a few words.
    """

    key: str
    action: str
    sign: float
    title: str


BINDINGS: dict[Mode, tuple[Binding, ...]] = {
    "synergy": (
        Binding("q", "grasp", 1.0, "close to a power grasp"),
        Binding("a", "grasp", -1.0, "open"),
        Binding("w", "pinch", 1.0, "pinch thumb and index"),
        Binding("s", "pinch", -1.0, "release the pinch"),
        Binding("e", "twist", 1.0, "twist the fingertips one way"),
        Binding("d", "twist", -1.0, "twist them the other way"),
    ),
    "joint": (
        Binding("q", "0", 1.0, "first joint up"),
        Binding("a", "0", -1.0, "first joint down"),
        Binding("w", "1", 1.0, "second joint up"),
        Binding("s", "1", -1.0, "second joint down"),
        Binding("e", "2", 1.0, "third joint up"),
        Binding("d", "2", -1.0, "third joint down"),
        Binding("r", "3", 1.0, "fourth joint up"),
        Binding("f", "3", -1.0, "fourth joint down"),
    ),
    "fingertip": (
        Binding("q", "0", 1.0, "tip out of the palm"),
        Binding("a", "0", -1.0, "tip into the palm"),
        Binding("w", "1", 1.0, "tip to the thumb's side"),
        Binding("s", "1", -1.0, "tip away from it"),
        Binding("e", "2", 1.0, "tip away from the wrist"),
        Binding("d", "2", -1.0, "tip to the wrist"),
    ),
}


def key_specs() -> tuple[KeySpec, ...]:
    """Return the key map for the window; a key stands once for every mode."""
    keys = [KeySpec(key=MODE_KEY, title="next mode: synergy, joint, fingertip", group="Mode")]
    keys += [
        KeySpec(key=key, title=f"choose finger {key}", group="Finger (joint, fingertip)")
        for key in FINGER_KEYS
    ]
    for mode, bindings in BINDINGS.items():
        keys += [
            KeySpec(key=binding.key, title=binding.title, group=f"Mode {mode}")
            for binding in bindings
        ]
    return tuple(keys)
