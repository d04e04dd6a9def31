"""A plain U-Net whose answer are a few feature maps at full resolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.encoders.unet import Inputs, JointEncoder, channel_count
from anysyn.errors import RecipeError
from anysyn.nn.blocks import conv
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site

SLOPE = 0.3  # of the leaky ReLUs: what Keras takes, in which MM-Synth is written


@register("encoder", "latent_unet")
class LatentUNetEncoder(JointEncoder):
    """Encode the sources by a U-Net, down and up again, to a few maps at full resolution: a latent image.

    The encoder of MM-Synth (Chartsias et al., TMI 2018): two convolutions a level, maximum pooling, repeated voxels on
    the way up, leaky ReLUs, no normalisation; 521,744 parameters. Inside an encoder ``fused`` it is theirs.

    Args:
        modalities: How many modalities the recipe has.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab; they become channels. 1 for slices and patches.
        widths: Channels of each level of the U-Net, finest first.
        out: Channels of the latent image.
        inputs: ``canvas`` shows one channel for each modality, zero where it is not a source, and so takes any number
            of sources; ``stack`` shows the sources alone, in the order of the query.
        sources: Sources of a query, read by ``stack`` alone.

    Raises:
        RecipeError: If there is no level.

    Example:
        >>> encoder = LatentUNetEncoder(modalities=4, dimensions=2, widths=(4, 8), out=6)
        >>> features = encoder(torch.rand(3, 4, 15, 17), torch.tensor([[0, 2]] * 3))
        >>> features.skips, features.deep.shape
        ((), torch.Size([3, 6, 15, 17]))
    """

    strides = (1,)

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        widths: Sequence[int] = (32, 64, 128),
        out: int = 16,
        inputs: Inputs = "canvas",
        sources: int = 1,
    ) -> None:
        super().__init__()
        if not widths:
            raise RecipeError("encoder latent_unet needs at least one level; widths is empty")
        self.dimensions, self.depth, self.inputs, self.widths = dimensions, depth, inputs, (out,)
        self.channels = channel_count(inputs, modalities=modalities, sources=sources, depth=depth)
        self.pool = {2: nn.MaxPool2d, 3: nn.MaxPool3d}[dimensions](2, ceil_mode=True)
        self.down = nn.ModuleList(
            nn.Sequential(_layer(dimensions, a, b), _layer(dimensions, b, b))
            for a, b in zip((self.channels, *widths), widths, strict=False)
        )
        rising = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(_layer(dimensions, a, b) for a, b in rising)
        self.join = nn.ModuleList(
            nn.Sequential(_layer(dimensions, 2 * b, b), _layer(dimensions, b, b)) for _, b in rising
        )
        self.last = _layer(dimensions, widths[0], out)
        self.sites = [
            *(Site(f"encoder/block{i}", width) for i, width in enumerate(widths[:-1], 1)),
            *(Site(f"encoder/block{i}", 2 * b) for i, (_, b) in enumerate(rising, len(widths))),
            Site("encoder/out", out, "deep"),
        ]

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as features (B, out, *S), without skips."""
        levels: list[Tensor] = []
        for i, block in enumerate(self.down):
            x = block(modulate(f"encoder/block{i}", self.pool(x)) if i else x)  # (B, C_i, *S / 2^i)
            levels.append(x)
        for i, (up, join) in enumerate(zip(self.up, self.join, strict=True), len(levels)):
            level = levels[2 * len(self.down) - 2 - i]
            x = up(F.interpolate(x, size=level.shape[2:]))  # (B, C, *S of that level)
            x = join(modulate(f"encoder/block{i}", torch.cat([level, x], 1)))  # (B, C, *S of that level)
        return Features((), modulate("encoder/out", self.last(x)))  # (B, out, *S)


def _layer(dimensions: int, inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(conv(dimensions, inputs, outputs), nn.LeakyReLU(SLOPE))
