"""Evaluation: metrics under named protocols, beside two simple baselines, as tables; embeddings and alignment."""

from anysyn.evaluation.alignment import evaluate_alignment
from anysyn.evaluation.embeddings import evaluate_embeddings
from anysyn.evaluation.metrics import Metric, metric
from anysyn.evaluation.protocols import Protocol, protocol
from anysyn.evaluation.results import Evaluation
from anysyn.evaluation.run import evaluate

__all__ = [
    "Evaluation",
    "Metric",
    "Protocol",
    "evaluate",
    "evaluate_alignment",
    "evaluate_embeddings",
    "metric",
    "protocol",
]
