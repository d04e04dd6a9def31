"""Objectives: a batch and a query to named loss terms."""

from anysyn.objectives.synthesis import SynthesisObjective

__all__ = ["SynthesisObjective"]
