"""The decoder of TransUNet, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.decoders.cnn import GridDecoder, level_sites
from anysyn.nn.blocks import Norm, conv, norm_relu
from anysyn.ops import apply_in_float32
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate


@register("decoder", "trans_unet")
class TransUNetDecoder(GridDecoder):
    """TransUNet decoder: at each level interpolate, concatenate the skip, convolve twice.

    After TransUNet (Chen et al., 2021). A level has half as many channels as its skip; if the finest skip is coarser
    than the voxels, one more level with an eighth of its channels follows, without a skip. Convolutions have a bias
    despite the batch norm, as in the published parameter count.

    Args:
        widths, strides, dimensions, depth: As in `GridDecoder`, supplied by the build.
        norm: Normalisation after the convolutions.

    Example:
        >>> decoder = TransUNetDecoder(widths=(8, 16), strides=(2, 4), dimensions=2)
        >>> features = Features((torch.rand(3, 8, 8, 8),), torch.rand(3, 16, 4, 4))
        >>> decoder(features, torch.zeros(3, 1, dtype=torch.long)).shape
        torch.Size([3, 1, 16, 16])
    """

    def __init__(
        self,
        *,
        widths: Given[Sequence[int]],
        strides: Given[Sequence[int]],
        dimensions: Given[int],
        depth: Given[int] = 1,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.depth, self.mode = depth, {2: "bilinear", 3: "trilinear"}[dimensions]
        self.factors = [b // a for a, b in zip((1, *strides), strides, strict=False)][::-1]
        skips, x, inputs = list(widths[:-1]), widths[-1], list[int]()
        self.blocks = nn.ModuleList()
        for width in reversed(skips):
            inputs.append(x + width)
            x = max(1, width // 2)
            self.blocks.append(_double_conv(dimensions, inputs[-1], x, norm))
        if self.factors[-1] > 1:
            inputs.append(x)
            x = max(1, widths[0] // 8)
            self.blocks.append(_double_conv(dimensions, inputs[-1], x, norm))
        self.head = conv(dimensions, x, depth, 1)
        self.sites = level_sites(widths, inputs)

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to an image: (B, depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / deepest stride)
        levels = list(range(len(features.skips) - 1, -1, -1))
        for n, block in enumerate(self.blocks):
            x = F.interpolate(x, scale_factor=self.factors[n], mode=self.mode)  # (B, C, *S / stride_i)
            if n < len(levels):
                i = levels[n]
                x = torch.cat([modulate(f"decoder/skip{i}", features.skips[i]), x], 1)  # (B, C + C_i, *S / stride_i)
            x = block(modulate(f"decoder/block{n}", x))  # (B, C_i / 2, *S / stride_i)
        return apply_in_float32(self.head, x)  # (B, depth, *S without the slab's axis)


def _double_conv(dimensions: int, inputs: int, outputs: int, normalisation: Norm) -> nn.Sequential:
    return nn.Sequential(
        conv(dimensions, inputs, outputs),
        *norm_relu(normalisation, dimensions, outputs),
        conv(dimensions, outputs, outputs),
        *norm_relu(normalisation, dimensions, outputs),
    )
