"""Colours and lights of the picture. Colours are linear red, green, blue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Theme = Literal["dark", "light"]
Color = tuple[float, float, float]


def _srgb(code: str) -> Color:
    channels = (int(code[i : i + 2], 16) / 255.0 for i in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return red, green, blue


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Look of a theme.

    Attributes:
        zenith: Background at the top of the picture.
        horizon: Background at the horizon.
        floor: The floor near the hand.
        grid: Grid lines.
        grid_strength: How much the grid lines cover the floor, 0 to 1.
        shadow: How dark shadows on the floor are, 0 to 1.
        sky: Ambient light from above.
        ground: Ambient light from below.
        key: The light that casts shadows.
        fill: The light beside the camera.
        rim: The light from behind.
        ghost: The commanded hand.
        highlight: The selected link.
        contact: Contact forces.
        trace: Trajectory lines.
    """

    zenith: Color
    horizon: Color
    floor: Color
    grid: Color
    grid_strength: float
    shadow: float
    sky: Color
    ground: Color
    key: Color
    fill: Color
    rim: Color
    ghost: Color
    highlight: Color
    contact: Color
    trace: Color


PALETTES: dict[Theme, Palette] = {
    "dark": Palette(
        zenith=_srgb("#12151a"),
        horizon=_srgb("#2d333c"),
        floor=_srgb("#252a32"),
        grid=_srgb("#7f8ea3"),
        grid_strength=0.32,
        shadow=0.50,
        sky=(0.50, 0.56, 0.66),
        ground=(0.16, 0.15, 0.15),
        key=(2.10, 2.00, 1.86),
        fill=(0.30, 0.36, 0.46),
        rim=(0.55, 0.68, 0.90),
        ghost=_srgb("#39b6ff"),
        highlight=_srgb("#ff9a2e"),
        contact=_srgb("#ffcf3d"),
        trace=_srgb("#5ee0a0"),
    ),
    "light": Palette(
        zenith=_srgb("#c3ccd8"),
        horizon=_srgb("#f1f4f8"),
        floor=_srgb("#e4e8ee"),
        grid=_srgb("#5a6675"),
        grid_strength=0.75,
        shadow=0.30,
        sky=(0.74, 0.78, 0.84),
        ground=(0.40, 0.39, 0.38),
        key=(1.85, 1.78, 1.68),
        fill=(0.26, 0.28, 0.32),
        rim=(0.30, 0.33, 0.38),
        ghost=_srgb("#0077d4"),
        highlight=_srgb("#f07800"),
        contact=_srgb("#e0a000"),
        trace=_srgb("#00935a"),
    ),
}
