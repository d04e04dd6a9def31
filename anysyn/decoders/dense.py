"""A densely connected decoder at full resolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.bounds import Count
from anysyn.decoders.cnn import GridDecoder
from anysyn.nn.blocks import conv, leaky_conv
from anysyn.ops import apply_in_float32
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("decoder", "dense")
class DenseDecoder(GridDecoder):
    """Dense decoder at full resolution: pairs of convolutions, each pair's output concatenated with its input.

    The decoder of MM-Synth (Chartsias et al., TMI 2018), 37,073 parameters for a latent image of 16 channels. It reads
    the deepest features alone, interpolated to the images' grid if they are coarser.

    Args:
        widths, strides, dimensions, depth: As in `GridDecoder`, supplied by the build.
        width: Channels of each convolution.
        pairs: Pairs of convolutions.
        activation: Of the image. MM-Synth has ``relu``, whose gradient is zero wherever its output is.

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
        width: Count = 32,
        pairs: Count = 2,
        activation: Literal["none", "relu"] = "none",
    ) -> None:
        super().__init__()
        self.depth, self.stride = depth, strides[-1]
        self.mode = {2: "bilinear", 3: "trilinear"}[dimensions]
        inward = [widths[-1] + i * width for i in range(pairs + 1)]
        self.pairs = nn.ModuleList(
            nn.Sequential(leaky_conv(dimensions, channels, width), leaky_conv(dimensions, width, width))
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
        """Decode the features to an image: (B, depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / stride)
        if self.stride > 1:
            x = F.interpolate(x, scale_factor=float(self.stride), mode=self.mode)  # (B, C, *S)
        for n, pair in enumerate(self.pairs):
            x = modulate(f"decoder/block{n}", x)  # (B, C + n width, *S)
            x = torch.cat([x, pair(x)], 1)  # (B, C + (n + 1) width, *S)
        return apply_in_float32(self.head, x)  # (B, depth, *S without the slab's axis)
