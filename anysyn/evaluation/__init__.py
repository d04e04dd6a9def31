"""Evaluation: metrics under named protocols, beside two simple baselines, as tables."""

from anysyn.evaluation.metrics import Metric, metric
from anysyn.evaluation.protocols import Protocol, protocol
from anysyn.evaluation.results import Evaluation
from anysyn.evaluation.run import evaluate

__all__ = ["Evaluation", "Metric", "Protocol", "evaluate", "metric", "protocol"]
