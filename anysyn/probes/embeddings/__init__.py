"""How alike are slices embedded? Begin in evaluate.py."""

from anysyn.probes.embeddings.evaluate import Embeddings

__all__ = ["Embeddings"]
