"""The sliders plugin."""
