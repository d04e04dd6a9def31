"""Objectives: a batch and a query to named loss terms."""

from anysyn.objectives.alignment import ImageModality, TextModality
from anysyn.objectives.classification import Classification, ModalityHead
from anysyn.objectives.contrastive import Contrastive
from anysyn.objectives.synthesis import SynthesisObjective

__all__ = ["Classification", "Contrastive", "ImageModality", "ModalityHead", "SynthesisObjective", "TextModality"]
