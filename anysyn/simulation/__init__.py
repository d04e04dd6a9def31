"""Simulation: a cohort with known truth."""

from anysyn.simulation.cohort import simulate, simulate_like

__all__ = ["simulate", "simulate_like"]
