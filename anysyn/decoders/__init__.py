"""Decoders: features to target images, on the grid of the input or at any points."""

from anysyn.decoders.cnn import CNNDecoder
from anysyn.decoders.liif import LIIFDecoder
from anysyn.decoders.mlp import MLPDecoder
from anysyn.decoders.per_modality import PerModalityDecoder
from anysyn.decoders.swin_unetr import SwinUNETRDecoder
from anysyn.decoders.trilinear import TrilinearDecoder

__all__ = ["CNNDecoder", "LIIFDecoder", "MLPDecoder", "PerModalityDecoder", "SwinUNETRDecoder", "TrilinearDecoder"]
