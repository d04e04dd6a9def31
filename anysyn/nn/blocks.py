"""Convolution blocks for two and three dimensions, and rows of blocks with sites for conditioners between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from torch import Tensor, nn

from anysyn.types import Features, Modulate, Site

Norm = Literal["none", "group", "batch", "instance"]


def conv(
    dimensions: int, inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, bias: bool = True
) -> nn.Module:
    """Make a convolution that keeps the size at stride 1.

    Args:
        dimensions: 2 or 3.
        inputs: Channels in.
        outputs: Channels out.
        kernel: Odd kernel length of every axis.
        stride: Step of every axis.
        bias: Whether an offset is learned.

    Example:
        >>> conv(3, 1, 4).weight.shape
        torch.Size([4, 1, 3, 3, 3])
    """
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
    return layer(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=bias)


def norm(name: Norm, dimensions: int, channels: int, *, affine: bool = True) -> nn.Module:
    """Make a normalisation layer; ``none`` keeps the absolute intensity.

    Args:
        name: Which one.
        dimensions: 2 or 3.
        channels: Channels in and out.
        affine: Whether a scale and an offset of each channel are learned.

    Example:
        >>> norm("group", 2, 16).num_groups
        8
    """
    if name == "none":
        return nn.Identity()
    if name == "group":
        return nn.GroupNorm(max(g for g in (8, 4, 2, 1) if channels % g == 0), channels, affine=affine)
    batch = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
    instance = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
    if name == "batch":
        return batch[dimensions](channels, affine=affine)
    return instance[dimensions](channels, affine=affine)


class ResidualBlock(nn.Module):
    """Add two convolutions to a shortcut: conv, norm, SiLU, conv, norm, plus the input, then SiLU.

    Args:
        dimensions: 2 or 3.
        inputs: Channels in.
        outputs: Channels out.
        stride: Step of the first convolution.
        normalisation: Which normalisation follows each convolution.
    """

    def __init__(
        self, *, dimensions: int, inputs: int, outputs: int, stride: int = 1, normalisation: Norm = "none"
    ) -> None:
        super().__init__()
        bias = normalisation == "none"
        self.body = nn.Sequential(
            conv(dimensions, inputs, outputs, stride=stride, bias=bias),
            norm(normalisation, dimensions, outputs),
            nn.SiLU(),
            conv(dimensions, outputs, outputs, bias=bias),
            norm(normalisation, dimensions, outputs),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else conv(dimensions, inputs, outputs, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, *S) to (B, outputs, *S / stride)."""
        return nn.functional.silu(self.body(x) + self.shortcut(x))  # (B, outputs, *S / stride)


def pyramid_sites(widths: Sequence[int], inward: Sequence[int], *, first: int = 0) -> list[Site]:
    """Name the sites of a row of blocks.

    Args:
        widths: Channels that each block answers with, finest first.
        inward: Channels that each block with a site in front of it reads.
        first: The first block with a site.

    Example:
        >>> [site.name for site in pyramid_sites((8, 16), (8,), first=1)]
        ['encoder/block1', 'encoder/skip0', 'encoder/out']
    """
    return [
        *(Site(f"encoder/block{i}", channels) for i, channels in enumerate(inward, first)),
        *(Site(f"encoder/skip{i}", channels, f"skip{i}") for i, channels in enumerate(widths[:-1])),
        Site("encoder/out", widths[-1], "deep"),
    ]


def pyramid(blocks: nn.ModuleList, x: Tensor, modulate: Modulate, *, first: int = 0) -> Features:
    """Go through a row of blocks and keep what each answers.

    Args:
        blocks: One for each level, finest first.
        x: (B, C, *S), what the first block reads.
        modulate: What acts at the sites of `pyramid_sites`.
        first: The first block with a site; where block 0 reads the images, 1.

    Returns:
        Skips (B, C_i, *S / stride_i), finest first, and the deepest features.

    Example:
        >>> import torch
        >>> from anysyn.types import unmodulated
        >>> halving = nn.ModuleList([nn.Identity(), nn.AvgPool2d(2)])
        >>> features = pyramid(halving, torch.rand(1, 3, 8, 8), unmodulated)
        >>> [skip.shape[-1] for skip in features.skips], features.deep.shape[-1]
        ([8], 4)
    """
    levels: list[Tensor] = []
    for i, block in enumerate(blocks):
        x = block(modulate(f"encoder/block{i}", x) if i >= first else x)  # (B, C_i, *S / stride_i)
        levels.append(x)
    return passed(levels, modulate)


def passed(levels: Iterable[Tensor], modulate: Modulate) -> Features:
    """Pass levels on through the sites of the skips and of the deepest features.

    Args:
        levels: (B, C_i, *S / stride_i), finest first.
        modulate: What acts at the sites.

    Example:
        >>> import torch
        >>> features = passed([torch.zeros(1, 2, 8, 8), torch.zeros(1, 4, 4, 4)], lambda site, x: x + 1)
        >>> [float(x.mean()) for x in (*features.skips, features.deep)]
        [1.0, 1.0]
    """
    *skips, deep = levels
    beside = tuple(modulate(f"encoder/skip{i}", skip) for i, skip in enumerate(skips))
    return Features(beside, modulate("encoder/out", deep))
