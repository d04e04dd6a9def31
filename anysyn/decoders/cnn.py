"""The decoder of a plain U-Net, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.decoders.grid import GridDecoder
from anysyn.decoders.levels import level_sites
from anysyn.nn.blocks import Norm, ResidualBlock, conv
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate


@register("decoder", "cnn")
class CNNDecoder(GridDecoder):
    """U-Net decoder: at each level upsample, concatenate the skip, apply a residual block.

    Args:
        widths, dimensions, depth: As in `GridDecoder`, supplied by the build.
        norm: Normalisation inside the blocks.

    Example:
        >>> decoder = CNNDecoder(widths=(8, 16), dimensions=2)
        >>> features = Features((torch.rand(3, 8, 16, 16),), torch.rand(3, 16, 8, 8))
        >>> decoder(features, torch.zeros(3, 1, dtype=torch.long)).shape
        torch.Size([3, 1, 16, 16])
    """

    def __init__(
        self,
        *,
        widths: Given[Sequence[int]],
        dimensions: Given[int],
        depth: Given[int] = 1,
        norm: Norm = "none",
    ) -> None:
        super().__init__()
        self.depth = depth
        self.mode = {2: "bilinear", 3: "trilinear"}[dimensions]
        self.levels = range(len(widths) - 2, -1, -1)
        self.blocks = nn.ModuleList(
            ResidualBlock(
                dimensions=dimensions, inputs=widths[i + 1] + widths[i], outputs=widths[i], normalisation=norm
            )
            for i in self.levels
        )
        self.head = conv(dimensions, widths[0], depth)
        self.sites = level_sites(widths, [widths[i + 1] + widths[i] for i in self.levels])

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to an image: (B, depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / deepest stride)
        for n, (i, block) in enumerate(zip(self.levels, self.blocks, strict=True)):
            skip = modulate(f"decoder/skip{i}", features.skips[i])  # (B, C_i, *S / stride_i)
            x = F.interpolate(x, size=skip.shape[2:], mode=self.mode)  # (B, C_i+1, *S / stride_i)
            x = block(modulate(f"decoder/block{n}", torch.cat([x, skip], 1)))  # (B, C_i, *S / stride_i)
        image: Tensor = self.head(x)  # (B, depth, *S without the slab's axis)
        return image
