"""Evaluation: metrics under named protocols, beside two simple baselines, as tables; embeddings, alignment, sweeps."""

from anysyn.evaluation.alignment import evaluate_alignment
from anysyn.evaluation.embeddings import evaluate_embeddings
from anysyn.evaluation.metrics import Metric, metric
from anysyn.evaluation.protocols import Protocol, protocol
from anysyn.evaluation.results import Evaluation
from anysyn.evaluation.retrieval import evaluate_retrieval
from anysyn.evaluation.run import evaluate
from anysyn.evaluation.sweep import evaluate_sweep

__all__ = [
    "Evaluation",
    "Metric",
    "Protocol",
    "evaluate",
    "evaluate_alignment",
    "evaluate_embeddings",
    "evaluate_retrieval",
    "evaluate_sweep",
    "metric",
    "protocol",
]
