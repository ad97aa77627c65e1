"""Builds a controller from nothing: the stages, their time, their gates and the model card."""
