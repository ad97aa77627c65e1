"""Session files: write, read, replay."""
