"""Encoders turn the source images into features: one encoder a file. Start in `unet.py`."""

from anysyn.encoders.diffusion_unet import DiffusionUNetEncoder
from anysyn.encoders.downsampled_resnet import DownsampledResNetEncoder
from anysyn.encoders.fused import FusedEncoder
from anysyn.encoders.latent_unet import LatentUNetEncoder
from anysyn.encoders.per_modality import PerModalityEncoder
from anysyn.encoders.res_vit import ResViTEncoder
from anysyn.encoders.residual_unet import ResidualUNetEncoder
from anysyn.encoders.resnet import ResNetEncoder
from anysyn.encoders.streams import StreamsEncoder
from anysyn.encoders.strided_unet import StridedUNetEncoder
from anysyn.encoders.swin_unet import SwinUNetEncoder
from anysyn.encoders.swin_unetr import SwinUNETREncoder
from anysyn.encoders.timm import TimmEncoder
from anysyn.encoders.trans_unet import TransUNetEncoder
from anysyn.encoders.unet import UNetEncoder
from anysyn.encoders.unetr import UNETREncoder

__all__ = [
    "DiffusionUNetEncoder",
    "DownsampledResNetEncoder",
    "FusedEncoder",
    "LatentUNetEncoder",
    "PerModalityEncoder",
    "ResNetEncoder",
    "ResViTEncoder",
    "ResidualUNetEncoder",
    "StreamsEncoder",
    "StridedUNetEncoder",
    "SwinUNETREncoder",
    "SwinUNetEncoder",
    "TimmEncoder",
    "TransUNetEncoder",
    "UNETREncoder",
    "UNetEncoder",
]
