"""Metrics, and the protocols that say how two images are compared; the presets are registered with the package."""

from anysyn.evaluation.metrics import bone, multiscale, perceptual, presets

__all__ = ["bone", "multiscale", "perceptual", "presets"]
