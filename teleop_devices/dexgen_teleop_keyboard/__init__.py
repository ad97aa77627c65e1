"""Keyboard: jogs joints, fingertips and a few natural synergies of the hand."""
