"""A decoder at full resolution whose layers see all that came before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.decoders.cnn import GridDecoder
from anysyn.nn.blocks import conv
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site

SLOPE = 0.3  # of the leaky ReLUs: what Keras takes, in which MM-Synth is written


@register("decoder", "dense")
class DenseDecoder(GridDecoder):
    """Decode at full resolution by pairs of convolutions, the answer of each laid beside what went into it.

    The decoder of MM-Synth (Chartsias et al., TMI 2018), 37,073 parameters behind a latent image of 16 channels. It
    reads the deepest features alone, interpolated to the images' grid where they are coarser.

    Args:
        widths: Channels of the encoder's levels, finest first; the deepest features are decoded.
        strides: Strides of the encoder's levels, finest first.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab; they come out of the head as channels.
        width: Channels of each convolution.
        pairs: Pairs of convolutions.
        activation: Of the image. MM-Synth has ``relu``, whose gradient is zero wherever it answers zero.

    Example:
        >>> decoder = DenseDecoder(widths=(16,), strides=(1,), dimensions=2)
        >>> decoder(Features((), torch.rand(3, 16, 10, 9)), torch.zeros(3, 1, dtype=torch.long)).shape
        torch.Size([3, 1, 10, 9])
    """

    def __init__(
        self,
        *,
        widths: Given[Sequence[int]],
        strides: Given[Sequence[int]],
        dimensions: Given[int],
        depth: Given[int] = 1,
        width: int = 32,
        pairs: int = 2,
        activation: Literal["none", "relu"] = "none",
    ) -> None:
        super().__init__()
        self.depth, self.stride = depth, strides[-1]
        self.mode = {2: "bilinear", 3: "trilinear"}[dimensions]
        inward = [widths[-1] + i * width for i in range(pairs + 1)]
        self.pairs = nn.ModuleList(
            nn.Sequential(_layer(dimensions, channels, width), _layer(dimensions, width, width))
            for channels in inward[:-1]
        )
        self.head = nn.Sequential(
            conv(dimensions, inward[-1], depth, 1), nn.ReLU() if activation == "relu" else nn.Identity()
        )
        self.sites = [
            Site("decoder/in", widths[-1], "deep"),
            *(Site(f"decoder/block{n}", channels) for n, channels in enumerate(inward[:-1])),
        ]

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Make the image from the features: (B, depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / stride)
        if self.stride > 1:
            x = F.interpolate(x, scale_factor=float(self.stride), mode=self.mode)  # (B, C, *S)
        for n, pair in enumerate(self.pairs):
            x = modulate(f"decoder/block{n}", x)  # (B, C + n width, *S)
            x = torch.cat([x, pair(x)], 1)  # (B, C + (n + 1) width, *S)
        image: Tensor = self.head(x)  # (B, depth, *S without the slab's axis)
        return image


def _layer(dimensions: int, inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(conv(dimensions, inputs, outputs), nn.LeakyReLU(SLOPE))
