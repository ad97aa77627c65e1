"""The allegro plugin."""
