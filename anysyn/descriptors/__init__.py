"""Descriptors: what is known about the images we have and the images we want, as tokens."""

from anysyn.descriptors.modality import ModalityLabel
from anysyn.descriptors.text import TextPrompt

__all__ = ["ModalityLabel", "TextPrompt"]
