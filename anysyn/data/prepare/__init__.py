"""Preparation of a subject's images, one step a file, each with its inverse. Start in `preparation.py`."""

from anysyn.data.prepare.canonical import Canonical
from anysyn.data.prepare.crop import Crop
from anysyn.data.prepare.intensity import Clamp, Nonnegative, Rescale, ZScore
from anysyn.data.prepare.preparation import Pipeline, Preparation, Restoration, Undo
from anysyn.data.prepare.resample import Resample
from anysyn.data.prepare.tissue_scale import DeepMedian, WhiteStripe
from anysyn.data.prepare.windows import TypicalWindows

__all__ = [
    "Canonical",
    "Clamp",
    "Crop",
    "DeepMedian",
    "Nonnegative",
    "Pipeline",
    "Preparation",
    "Resample",
    "Rescale",
    "Restoration",
    "TypicalWindows",
    "Undo",
    "WhiteStripe",
    "ZScore",
]
