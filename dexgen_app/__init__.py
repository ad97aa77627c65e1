"""Teleoperation, learning and recording for dexterous robot hands."""

__version__ = "0.1.0"
