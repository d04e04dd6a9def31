"""Losses: an outcome to a scalar."""

from anysyn.losses.pixel import L1, MSE

__all__ = ["L1", "MSE"]
