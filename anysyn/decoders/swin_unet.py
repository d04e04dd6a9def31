"""The decoder of Swin-Unet, in two or three dimensions: patch expansion and Swin transformer stages."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from anysyn.bounds import Count, ShareBelowOne
from anysyn.decoders.cnn import GridDecoder, level_sites
from anysyn.nn.blocks import conv
from anysyn.nn.swin import ChannelNorm, PatchExpansion, swin_blocks
from anysyn.ops import apply_in_float32
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate


@register("decoder", "swin_unet")
class SwinUNetDecoder(GridDecoder):
    """Swin transformer decoder: at each level expand the patches, concatenate the skip, apply Swin blocks.

    The decoder of Swin-Unet (Cao et al., ECCV 2022 Workshops). The patches of the finest level (four voxels a side
    after the encoder ``swin_unet``) are expanded to voxels in one step, so their borders may show.

    Args:
        widths, strides, dimensions, depth: As in `GridDecoder`, supplied by the build.
        blocks: Transformer blocks of each level.
        head_width: Channels of an attention head.
        window: Length of the attention window, in tokens along each axis.
        drop_path: Stochastic depth rate of the blocks, in training.

    Raises:
        ValueError: If ``head_width`` does not divide the channels.

    Example:
        >>> decoder = SwinUNetDecoder(widths=(8, 16), strides=(4, 8), dimensions=2, head_width=4, window=4)
        >>> features = Features((torch.rand(3, 8, 4, 4),), torch.rand(3, 16, 2, 2))
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
        blocks: Count = 2,
        head_width: Count = 32,
        window: Count = 7,
        drop_path: ShareBelowOne = 0.1,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.levels = range(len(widths) - 2, -1, -1)
        rates = [drop_path] * blocks
        self.expansions, self.joints, self.stages = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for i in self.levels:
            width, factor = widths[i], strides[i + 1] // strides[i]
            self.expansions.append(
                PatchExpansion(dimensions=dimensions, inputs=widths[i + 1], outputs=width, factor=factor)
            )
            self.joints.append(conv(dimensions, 2 * width, width, 1))
            self.stages.append(
                swin_blocks(dimensions, width, depth=blocks, head_width=head_width, window=window, drop_path=rates)
            )
        self.norm = ChannelNorm(widths[0])
        self.voxels = PatchExpansion(dimensions=dimensions, inputs=widths[0], outputs=widths[0], factor=strides[0])
        self.head = conv(dimensions, widths[0], depth, 1, bias=False)
        self.sites = level_sites(widths, [widths[i] for i in self.levels])

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to an image: (B, depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / deepest stride)
        for n, i in enumerate(self.levels):
            skip = modulate(f"decoder/skip{i}", features.skips[i])  # (B, C_i, *S / stride_i)
            x = self.joints[n](torch.cat([self.expansions[n](x), skip], 1))  # (B, C_i, *S / stride_i)
            x = self.stages[n](modulate(f"decoder/block{n}", x))  # (B, C_i, *S / stride_i)
        x = self.voxels(self.norm(x))  # (B, C, *S)
        return apply_in_float32(self.head, x)  # (B, depth, *S without the slab's axis)
