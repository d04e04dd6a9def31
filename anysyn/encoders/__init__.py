"""Encoders: sources to features."""

from anysyn.encoders.unet import UNetEncoder

__all__ = ["UNetEncoder"]
