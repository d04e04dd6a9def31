"""The decoder of MONAI's UNet, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from anysyn.decoders.cnn import GridDecoder, level_sites
from anysyn.nn.residual_units import residual_unit, upsampling_convolution
from anysyn.ops import apply_in_float32
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate


@register("decoder", "residual_unet")
class ResidualUNetDecoder(GridDecoder):
    """Residual U-Net decoder: transposed convolutions and residual units, with skips concatenated.

    The decoder of MONAI's `UNet` with residual units (Kerfoot et al., STACOM 2018), built from its modules.

    Args:
        widths, strides, dimensions, depth: As in `GridDecoder`, supplied by the build.
        head: ``normalised`` is MONAI's, whose instance norm gives every image the same mean and contrast; ``plain`` is
            the transposed convolution alone.

    Example:
        >>> decoder = ResidualUNetDecoder(widths=(8, 12, 16), strides=(2, 4, 4), dimensions=2)
        >>> features = Features((torch.rand(3, 8, 8, 8), torch.rand(3, 12, 4, 4)), torch.rand(3, 16, 4, 4))
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
        head: Literal["plain", "normalised"] = "plain",
    ) -> None:
        super().__init__()
        self.depth = depth
        self.levels = range(len(widths) - 2, -1, -1)
        self.blocks, inward = nn.ModuleList(), list[int]()
        channels = widths[-1]
        for i in self.levels:
            inward.append(channels)
            ratio = strides[i + 1] // strides[i]
            self.blocks.append(_doubling(dimensions, channels, widths[i], ratio) if ratio > 1 else nn.Identity())
            channels = widths[i] + (widths[i] if ratio > 1 else channels)  # with the skip
        self.head: nn.Module = upsampling_convolution(dimensions, channels, depth, strides[0], plain=head == "plain")
        if head == "normalised":
            self.head = nn.Sequential(self.head, residual_unit(dimensions, depth, depth, units=1, last_plain=True))
        self.sites = level_sites(widths, inward)

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to an image: (B, depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / deepest stride)
        for n, (i, block) in enumerate(zip(self.levels, self.blocks, strict=True)):
            skip = modulate(f"decoder/skip{i}", features.skips[i])  # (B, C_i, *S / stride_i)
            x = block(modulate(f"decoder/block{n}", x))  # (B, C, *S / stride_i)
            x = torch.cat([skip, x], 1)  # (B, C + C_i, *S / stride_i)
        return apply_in_float32(self.head, x)  # (B, depth, *S without the slab's axis)


def _doubling(dimensions: int, inputs: int, outputs: int, ratio: int) -> nn.Module:
    up = upsampling_convolution(dimensions, inputs, outputs, ratio)
    return nn.Sequential(up, residual_unit(dimensions, outputs, outputs, units=1))
