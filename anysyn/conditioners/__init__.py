"""Conditioners: how what is known acts on features."""

from anysyn.conditioners.adain import AdaIN
from anysyn.conditioners.add import Add
from anysyn.conditioners.alpha_beta import AlphaBeta
from anysyn.conditioners.conditioner import Conditioner, Conditioners, Modulation
from anysyn.conditioners.cross_attention import CrossAttention
from anysyn.conditioners.film import FiLM

__all__ = [
    "AdaIN",
    "Add",
    "AlphaBeta",
    "Conditioner",
    "Conditioners",
    "CrossAttention",
    "FiLM",
    "Modulation",
]
