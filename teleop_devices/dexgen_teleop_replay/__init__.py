"""Replay: a recorded human hand, or the raw input of an earlier session, as a device."""
