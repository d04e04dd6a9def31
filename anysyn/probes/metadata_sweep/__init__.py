"""Does a synthesis follow the scanner settings it is conditioned on? Begin in evaluate.py."""

from anysyn.probes.metadata_sweep.evaluate import MetadataSweep

__all__ = ["MetadataSweep"]
