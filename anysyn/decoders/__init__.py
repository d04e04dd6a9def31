"""Decoders: features to target images, on the grid of the input or at any points."""

from anysyn.decoders.cnn import CNNDecoder
from anysyn.decoders.per_modality import PerModalityDecoder
from anysyn.decoders.swin_unetr import SwinUNETRDecoder

__all__ = ["CNNDecoder", "PerModalityDecoder", "SwinUNETRDecoder"]
