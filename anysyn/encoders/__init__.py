"""Encoders: sources to features."""

from anysyn.encoders.per_modality import PerModalityEncoder
from anysyn.encoders.resnet import ResNetEncoder
from anysyn.encoders.streams import StreamsEncoder
from anysyn.encoders.swin_unetr import SwinUNETREncoder
from anysyn.encoders.unet import UNetEncoder

__all__ = ["PerModalityEncoder", "ResNetEncoder", "StreamsEncoder", "SwinUNETREncoder", "UNetEncoder"]
