"""Script: seeded synthetic motion, for runs without a person."""
