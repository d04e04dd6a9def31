"""Does treating a subject as another dataset bring its synthesis closer to that dataset? Begin in evaluate.py."""

from anysyn.probes.dataset_swap.evaluate import DatasetSwap

__all__ = ["DatasetSwap"]
