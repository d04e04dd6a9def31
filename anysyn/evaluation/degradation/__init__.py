"""Degraded sources: corruptions, thick slices, and the calibration of their levels."""
