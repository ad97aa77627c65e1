"""Sliders: a joint target for every joint of the hand."""
