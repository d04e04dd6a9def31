"""Swin transformer stages on feature maps, patch merging and patch expansion.

Importing MONAI's networks takes seconds, so they are imported when a recipe first needs one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from anysyn.nn.blocks import conv


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each voxel.

    Example:
        >>> import torch
        >>> ChannelNorm(8)(torch.rand(2, 8, 3, 4)).mean(1).abs().max() < 1e-5
        tensor(True)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, *S)."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)  # (B, C, *S)


def swin_blocks(
    dimensions: int, width: int, *, depth: int, head_width: int, window: int, drop_path: Sequence[float]
) -> Any:
    """Make the transformer blocks of a stage, MONAI's `BasicLayer`: every other block has shifted windows.

    The arguments are those of encoder `swin_unet`, with a ``drop_path`` for each block.

    Raises:
        ValueError: If ``head_width`` does not divide the width.

    Example:
        >>> import torch
        >>> stage = swin_blocks(2, 8, depth=2, head_width=4, window=4, drop_path=[0.0, 0.0])
        >>> stage(torch.rand(1, 8, 6, 5)).shape
        torch.Size([1, 8, 6, 5])
    """
    from monai.networks.nets.swin_unetr import BasicLayer

    if width % head_width:
        raise ValueError(f"head_width: heads of {head_width} channels cannot share {width}; take a divisor of them")
    rates = [float(rate) for rate in drop_path]
    return BasicLayer(width, depth, width // head_width, (window,) * dimensions, rates, qkv_bias=True)


class PatchMerging(nn.Module):
    """Patch merging by MONAI's module: each 2 x 2 or 2 x 2 x 2 tokens become one of twice the channels.

    Args:
        width: Channels in.

    Example:
        >>> import torch
        >>> PatchMerging(dimensions=3, width=4)(torch.rand(1, 4, 2, 4, 2)).shape
        torch.Size([1, 8, 1, 2, 1])
    """

    def __init__(self, *, dimensions: int, width: int) -> None:
        super().__init__()
        from monai.networks.nets.swin_unetr import PatchMergingV2

        self.merging = PatchMergingV2(width, spatial_dims=dimensions)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *S) to (B, 2 C, *S / 2)."""
        merged: Tensor = self.merging(x.movedim(1, -1))  # (B, *S / 2, 2 C)
        return merged.movedim(-1, 1)  # (B, 2 C, *S / 2)


class PatchExpansion(nn.Module):
    """Patch expansion: a linear map splits each token into ``factor`` tokens along each axis; then a norm.

    Args:
        factor: Output tokens per input token along each axis.

    Example:
        >>> import torch
        >>> PatchExpansion(dimensions=2, inputs=8, outputs=4, factor=2)(torch.rand(1, 8, 3, 5)).shape
        torch.Size([1, 4, 6, 10])
    """

    def __init__(self, *, dimensions: int, inputs: int, outputs: int, factor: int) -> None:
        super().__init__()
        self.dimensions, self.factor = dimensions, factor
        self.linear = conv(dimensions, inputs, outputs * factor**dimensions, 1, bias=False)
        self.norm = ChannelNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, *S) to (B, outputs, *S times factor)."""
        from monai.networks.utils import pixelshuffle

        tokens = pixelshuffle(self.linear(x), self.dimensions, self.factor)  # (B, outputs, *S times factor)
        normalised: Tensor = self.norm(tokens)
        return normalised
