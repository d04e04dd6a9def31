"""A residual network at full resolution, in two or three dimensions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anysyn.bounds import Count, Positive
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.errors import RecipeError
from anysyn.nn.blocks import Norm, conv, norm
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("encoder", "resnet")
class ResNetEncoder(JointEncoder):
    """Residual blocks at full resolution, without downsampling.

    EDSR (Lim et al., 2017): convolution, residual blocks with scaled branches, convolution, a skip from the first one,
    convolution to the output width. ``{norm: batch, inputs: stack}`` in three dimensions is the image encoder of TUMSyn
    with its 92,057,600 parameters; ``{width: 1024, inputs: stack}`` on slabs of 8 slices is that of UniSyn. Every block
    widens the receptive field by two voxels on each side, so seamless tiles need a halo of ``2 blocks + 3`` voxels.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        blocks: Residual blocks, of two convolutions each.
        width: Channels inside.
        out: Output channels.
        norm: Normalisation after each convolution of a block. ``group`` and ``instance`` erase the absolute intensity
            of an image; ``batch`` is free at synthesis, where it is folded into the convolutions.
        scale: Factor of a block's residual branch.

    Raises:
        RecipeError: If ``blocks``, ``width`` or ``out`` is below 1.

    Example:
        >>> encoder = ResNetEncoder(modalities=4, dimensions=2, blocks=2, width=8, out=12)
        >>> features = encoder(torch.rand(3, 4, 15, 17), torch.tensor([[0, 2]] * 3))
        >>> features.skips, features.deep.shape
        ((), torch.Size([3, 12, 15, 17]))
    """

    strides = (1,)

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        blocks: Count = 24,
        width: Count = 256,
        out: Count = 768,
        norm: Norm = "none",
        scale: Positive = 0.1,
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        if min(blocks, width, out) < 1:
            raise RecipeError(f"encoder resnet needs a block and channels, not {blocks=}, {width=}, {out=}")
        self.widths = (out,)
        self.head = conv(dimensions, self.channels, width)
        self.blocks = nn.ModuleList(ScaledResidualBlock(dimensions, width, norm, scale) for _ in range(blocks))
        self.last = conv(dimensions, width, width)
        self.tail = conv(dimensions, width, out)
        within = [Site("encoder/stem", width), *(Site(f"encoder/block{i}", width) for i in range(blocks))]
        self.sites = [*within, Site("encoder/out", out, "deep")]

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as features (B, out, *S), without skips."""
        start = x = modulate("encoder/stem", self.head(x))  # (B, width, *S)
        for i, block in enumerate(self.blocks):
            x = block(modulate(f"encoder/block{i}", x))
        x = add_scaled(start, self.last(x))
        del start  # the last convolution is the widest: free what it does not read
        return Features((), modulate("encoder/out", self.tail(x)))  # (B, out, *S)


class ScaledResidualBlock(nn.Module):
    """Residual block with a scaled branch: conv, norm, ReLU, conv, norm.

    Args:
        width: Channels in and out.
        normalisation: Normalisation after each convolution.
        scale: Factor of the branch.
    """

    def __init__(self, dimensions: int, width: int, normalisation: Norm, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.body = nn.Sequential(
            conv(dimensions, width, width),
            norm(normalisation, dimensions, width),
            nn.ReLU(inplace=True),
            conv(dimensions, width, width),
            norm(normalisation, dimensions, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, *S) to (B, width, *S)."""
        return add_scaled(x, self.body(x), self.scale)


def add_scaled(x: Tensor, branch: Tensor, scale: float = 1.0) -> Tensor:
    """Return ``x + scale * branch``, in the memory of the branch if gradients are off.

    Args:
        x: (B, C, *S).
        branch: (B, C, *S), overwritten without gradients.
        scale: Factor of the branch.

    Example:
        >>> add_scaled(torch.tensor([1.0]), torch.tensor([2.0]), 0.5)
        tensor([2.])
    """
    reuse = not torch.is_grad_enabled() and branch.dtype == x.dtype
    return torch.add(x, branch, alpha=scale, out=branch if reuse else None)
