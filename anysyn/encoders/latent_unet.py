"""A plain U-Net whose output is a few feature maps at full resolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.bounds import AtLeastOne, Count
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.errors import RecipeError
from anysyn.nn.blocks import leaky_conv
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("encoder", "latent_unet")
class LatentUNetEncoder(JointEncoder):
    """U-Net encoder whose features are a latent image: a few maps at full resolution.

    The encoder of MM-Synth (Chartsias et al., TMI 2018): two convolutions per level, max pooling, nearest-neighbour
    upsampling, leaky ReLUs, no normalisation; 521,744 parameters. MM-Synth has one per modality: encoder ``fused``.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        widths: Channels of each level of the U-Net, finest first.
        out: Channels of the latent image.

    Raises:
        RecipeError: If ``widths`` is empty.

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
        widths: AtLeastOne[Count] = (32, 64, 128),
        out: Count = 16,
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        if not widths:
            raise RecipeError("encoder latent_unet needs at least one level; widths is empty")
        self.widths = (out,)
        self.pool = {2: nn.MaxPool2d, 3: nn.MaxPool3d}[dimensions](2, ceil_mode=True)
        self.down = nn.ModuleList(
            nn.Sequential(leaky_conv(dimensions, a, b), leaky_conv(dimensions, b, b))
            for a, b in zip((self.channels, *widths), widths, strict=False)
        )
        rising = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(leaky_conv(dimensions, a, b) for a, b in rising)
        self.join = nn.ModuleList(
            nn.Sequential(leaky_conv(dimensions, 2 * b, b), leaky_conv(dimensions, b, b)) for _, b in rising
        )
        self.last = leaky_conv(dimensions, widths[0], out)
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
