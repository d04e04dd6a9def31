"""Decoders: features to target images, on the grid of the input or at any points."""

from anysyn.decoders.cnn import CNNDecoder

__all__ = ["CNNDecoder"]
