"""Simulated worlds: one hand, one object, one environment or thousands."""
