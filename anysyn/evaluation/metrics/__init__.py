"""Metrics of two images, and the protocols of their comparison."""

from anysyn.evaluation.metrics import presets

__all__ = ["presets"]
