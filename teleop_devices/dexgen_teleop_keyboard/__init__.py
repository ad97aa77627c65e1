"""The keyboard plugin."""
