"""Descriptors: what is known about the images we have and the images we want, as tokens."""

from anysyn.descriptors.dataset import DatasetCode
from anysyn.descriptors.metadata import NumericMetadata
from anysyn.descriptors.modality import ModalityLabel, ModalityOfDataset
from anysyn.descriptors.task import TaskCode
from anysyn.descriptors.text import TextPrompt
from anysyn.descriptors.time import TimeCode

__all__ = [
    "DatasetCode",
    "ModalityLabel",
    "ModalityOfDataset",
    "NumericMetadata",
    "TaskCode",
    "TextPrompt",
    "TimeCode",
]
