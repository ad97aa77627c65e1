"""Hand models, frames, landmarks and retargeting, on the simulator's own MJCF."""
