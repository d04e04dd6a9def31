"""Objectives: a batch and a query to named loss terms."""

from anysyn.objectives.alignment import ImageModality, TextModality
from anysyn.objectives.alone import AloneAndTogether
from anysyn.objectives.classification import Classification, ModalityHead
from anysyn.objectives.contrastive import Contrastive
from anysyn.objectives.cycle import Cycle, UnpairedDiscrimination
from anysyn.objectives.denoising import Denoising
from anysyn.objectives.discrimination import CanvasDiscrimination, Discrimination
from anysyn.objectives.objective import Objective
from anysyn.objectives.pairs import ClipPairs
from anysyn.objectives.synthesis import SynthesisObjective
from anysyn.objectives.two_way import TwoWay

__all__ = [
    "AloneAndTogether",
    "CanvasDiscrimination",
    "Classification",
    "ClipPairs",
    "Contrastive",
    "Cycle",
    "Denoising",
    "Discrimination",
    "ImageModality",
    "ModalityHead",
    "Objective",
    "SynthesisObjective",
    "TextModality",
    "TwoWay",
    "UnpairedDiscrimination",
]
