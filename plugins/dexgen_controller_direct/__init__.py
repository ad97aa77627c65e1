"""The direct plugin."""
