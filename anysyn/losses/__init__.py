"""Losses: an outcome to a scalar."""

from anysyn.losses.pixel import L1, MSE
from anysyn.losses.semantic import Semantic

__all__ = ["L1", "MSE", "Semantic"]
