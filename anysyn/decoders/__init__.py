"""Decoders turn features into target images, on the input's grid or at any points. Start in `cnn.py`."""

from anysyn.decoders.cnn import CNNDecoder
from anysyn.decoders.dense import DenseDecoder
from anysyn.decoders.diffusion_unet import DiffusionUNetDecoder
from anysyn.decoders.liif import LIIFDecoder
from anysyn.decoders.mlp import MLPDecoder
from anysyn.decoders.per_modality import PerModalityDecoder
from anysyn.decoders.residual_unet import ResidualUNetDecoder
from anysyn.decoders.strided_unet import StridedUNetDecoder
from anysyn.decoders.swin_unet import SwinUNetDecoder
from anysyn.decoders.swin_unetr import SwinUNETRDecoder
from anysyn.decoders.trans_unet import TransUNetDecoder
from anysyn.decoders.transposed import TransposedDecoder
from anysyn.decoders.trilinear import TrilinearDecoder

__all__ = [
    "CNNDecoder",
    "DenseDecoder",
    "DiffusionUNetDecoder",
    "LIIFDecoder",
    "MLPDecoder",
    "PerModalityDecoder",
    "ResidualUNetDecoder",
    "StridedUNetDecoder",
    "SwinUNETRDecoder",
    "SwinUNetDecoder",
    "TransUNetDecoder",
    "TransposedDecoder",
    "TrilinearDecoder",
]
