"""Metrics of two images, and the protocols of their comparison."""
