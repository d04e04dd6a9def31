"""Objectives: a batch and a query to named loss terms."""

from anysyn.objectives.alignment import ImageModality, TextModality
from anysyn.objectives.classification import Classification, ModalityHead
from anysyn.objectives.contrastive import Contrastive
from anysyn.objectives.discrimination import Discrimination
from anysyn.objectives.pairs import ClipPairs
from anysyn.objectives.synthesis import SynthesisObjective
from anysyn.objectives.two_way import TwoWay

__all__ = [
    "Classification",
    "ClipPairs",
    "Contrastive",
    "Discrimination",
    "ImageModality",
    "ModalityHead",
    "SynthesisObjective",
    "TextModality",
    "TwoWay",
]
