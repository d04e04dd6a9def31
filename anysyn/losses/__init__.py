"""Losses: an outcome to a scalar."""

from anysyn.losses.adversarial import Adversarial
from anysyn.losses.canvas import CanvasAdversarial
from anysyn.losses.feature import FeatureCorrelation, FeatureL1
from anysyn.losses.pixel import L1, MSE
from anysyn.losses.selective import ReconstructionL1, SynthesisL1
from anysyn.losses.semantic import Semantic
from anysyn.losses.structure import SSIM

__all__ = [
    "L1",
    "MSE",
    "SSIM",
    "Adversarial",
    "CanvasAdversarial",
    "FeatureCorrelation",
    "FeatureL1",
    "ReconstructionL1",
    "Semantic",
    "SynthesisL1",
]
