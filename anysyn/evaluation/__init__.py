"""Evaluation: metrics under named protocols, beside baselines, as tables; embeddings, content, alignment, sweeps."""

from anysyn.evaluation import presets
from anysyn.evaluation.alignment import evaluate_alignment
from anysyn.evaluation.content import evaluate_content
from anysyn.evaluation.corruptions import Corruption, corruption
from anysyn.evaluation.embeddings import evaluate_embeddings
from anysyn.evaluation.metrics import Metric, metric
from anysyn.evaluation.modulation import evaluate_modulation
from anysyn.evaluation.protocols import Protocol, protocol
from anysyn.evaluation.results import Evaluation
from anysyn.evaluation.retrieval import evaluate_retrieval
from anysyn.evaluation.robustness import evaluate_robustness
from anysyn.evaluation.run import evaluate
from anysyn.evaluation.segment import evaluate_segment
from anysyn.evaluation.sweep import evaluate_sweep

__all__ = [
    "Corruption",
    "Evaluation",
    "Metric",
    "Protocol",
    "corruption",
    "evaluate",
    "evaluate_alignment",
    "evaluate_content",
    "evaluate_embeddings",
    "evaluate_modulation",
    "evaluate_retrieval",
    "evaluate_robustness",
    "evaluate_segment",
    "evaluate_sweep",
    "metric",
    "presets",
    "protocol",
]
