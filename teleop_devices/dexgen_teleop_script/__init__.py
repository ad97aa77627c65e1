"""The script plugin."""
