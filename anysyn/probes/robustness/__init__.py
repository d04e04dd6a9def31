"""How much quality do corrupted sources cost? Begin in evaluate.py."""

from anysyn.probes.robustness.evaluate import Robustness

__all__ = ["Robustness"]
