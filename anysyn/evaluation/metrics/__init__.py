"""Metrics, and the protocols that say how two images are compared."""
