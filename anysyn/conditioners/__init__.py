"""Conditioners: how what is known acts on features."""

from anysyn.conditioners.add import Add
from anysyn.conditioners.conditioner import Conditioner, Conditioners
from anysyn.conditioners.cross_attention import CrossAttention
from anysyn.conditioners.film import FiLM

__all__ = ["Add", "Conditioner", "Conditioners", "CrossAttention", "FiLM"]
