"""What can be changed while DexGen runs."""

from __future__ import annotations

from dexgen_app.spec import ParameterSpec

MODES = ("default", "precision")
CONTROL_HZ = 10.0
"""Rate of the controller and of its data [Hz]."""

SMOOTHING_S = 0.1
"""Default time constant of the average over past commands [s]."""
TEMPERATURE = 0.5
"""Default scale of the sampler's start noise."""
BOOST = 5.0
"""Default of the largest factor by which small commands are raised."""

PARAMETERS = (
    ParameterSpec(
        name="active",
        title="DexGen",
        default="on",
        choices=("on", "off"),
        help="Off lets the command through as it is, to release the object.",
    ),
    ParameterSpec(
        name="guidance",
        title="Guidance",
        default=300.0,
        lower=0.0,
        upper=3000.0,
        help="How strongly the command pulls; 0 holds the object and ignores the command.",
    ),
    ParameterSpec(
        name="mode",
        title="Mode",
        default="default",
        choices=MODES,
        help="The kind of motion that the controller was taught under this label.",
    ),
    ParameterSpec(
        name="caution",
        title="Caution",
        default="on",
        choices=("on", "off"),
        advanced=True,
        help="On lets a gentle command move the hand only where no drop is foreseen.",
    ),
    ParameterSpec(
        name="smoothing",
        title="Smoothing [s]",
        default=SMOOTHING_S,
        lower=0.0,
        upper=2.0,
        advanced=True,
        help="Time over which commands are averaged: a shaking hand's noise cancels out. "
        "Those close to the controller's own motion pass at once.",
    ),
    ParameterSpec(
        name="temperature",
        title="Temperature",
        default=TEMPERATURE,
        lower=0.0,
        upper=1.0,
        advanced=True,
        help="How freely motions are drawn; low takes the likelier ones and holds longer.",
    ),
    ParameterSpec(
        name="boost",
        title="Boost",
        default=BOOST,
        lower=1.0,
        upper=10.0,
        advanced=True,
        help="How far small, slow commands are raised; 1 takes them as they are.",
    ),
    ParameterSpec(
        name="steps",
        title="Sampler steps",
        default="8",
        choices=("4", "8", "12"),
        advanced=True,
        help="Diffusion steps of each sample; more steps are more faithful and slower.",
    ),
    ParameterSpec(
        name="keypoints",
        title="Guided keypoints",
        default="all",
        choices=("all", "tips"),
        advanced=True,
        help="Whether the command pulls middle joints and fingertips, or fingertips only.",
    ),
)
