"""A residual network at full resolution, in two or three dimensions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anysyn.encoders.unet import Inputs, JointEncoder, channel_count
from anysyn.errors import RecipeError
from anysyn.nn.blocks import Norm, conv, norm
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("encoder", "resnet")
class ResNetEncoder(JointEncoder):
    """Encode the sources by residual blocks at full resolution, without downsampling.

    As in EDSR (Lim et al., 2017): convolution, blocks whose answer is scaled down, convolution, the first one's output
    added, convolution to the width that goes out. ``{norm: batch, inputs: stack}`` in three dimensions is the image
    encoder of TUMSyn with its 92,057,600 parameters; ``{width: 1024, inputs: stack}`` on slabs of 8 slices is that of
    UniSyn. Every block looks two voxels further, so tiles need a halo of ``2 blocks + 3`` voxels not to show at all.

    Args:
        modalities: How many modalities the recipe has.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab; they become channels. 1 for slices and patches.
        blocks: Residual blocks, of two convolutions each.
        width: Channels inside.
        out: Channels of the features.
        norm: Normalisation after each convolution of a block. ``group`` and ``instance`` erase the absolute intensity
            of an image; ``batch`` costs nothing at synthesis, where it is folded into the convolutions.
        scale: What the answer of a block is multiplied by before it is added.
        inputs: ``canvas`` shows one channel for each modality, zero where it is not a source, and so takes any number
            of sources; ``stack`` shows the sources alone, in the order of the query.
        sources: Sources of a query, read by ``stack`` alone.

    Raises:
        RecipeError: If a block or a channel is missing.

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
        blocks: int = 24,
        width: int = 256,
        out: int = 768,
        norm: Norm = "none",
        scale: float = 0.1,
        inputs: Inputs = "canvas",
        sources: int = 1,
    ) -> None:
        super().__init__()
        if min(blocks, width, out) < 1:
            raise RecipeError(f"encoder resnet needs a block and channels, not {blocks=}, {width=}, {out=}")
        self.dimensions, self.depth, self.inputs, self.widths = dimensions, depth, inputs, (out,)
        self.channels = channel_count(inputs, modalities=modalities, sources=sources, depth=depth)
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
        x = added(start, self.last(x))
        del start  # the last convolution is the widest: what it does not read must not lie in memory
        return Features((), modulate("encoder/out", self.tail(x)))  # (B, out, *S)


class ScaledResidualBlock(nn.Module):
    """Add two convolutions, scaled down, to the input: conv, norm, ReLU, conv, norm.

    Args:
        dimensions: 2 or 3.
        width: Channels in and out.
        normalisation: Which normalisation follows each convolution.
        scale: What the convolutions' answer is multiplied by.
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
        return added(x, self.body(x), self.scale)


def added(x: Tensor, answer: Tensor, scale: float = 1.0) -> Tensor:
    """Return ``x + scale * answer``, in the memory of the answer where no gradient is asked for.

    Args:
        x: (B, C, *S).
        answer: (B, C, *S), overwritten without gradients.
        scale: What the answer is multiplied by.

    Example:
        >>> added(torch.tensor([1.0]), torch.tensor([2.0]), 0.5)
        tensor([2.])
    """
    reuse = not torch.is_grad_enabled() and answer.dtype == x.dtype
    return torch.add(x, answer, alpha=scale, out=answer if reuse else None)
