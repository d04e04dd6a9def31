"""Convolution blocks for two and three dimensions, and feature pyramids of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from anysyn.types import Features, Modulate, Site

Norm = Literal["none", "group", "batch", "instance"]


def conv(dimensions: int, inputs: int, outputs: int, kernel: int = 3, **options: Any) -> nn.Module:
    """Make a convolution that divides the size by its stride; the kernel is odd, or 4 at stride 2; options as in torch.

    Example:
        >>> conv(3, 1, 4).weight.shape
        torch.Size([4, 1, 3, 3, 3])
    """
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
    return layer(inputs, outputs, kernel, padding=(kernel - 1) // 2, **options)


def leaky_conv(dimensions: int, inputs: int, outputs: int) -> nn.Module:
    """Make a convolution of kernel 3 with a leaky ReLU of slope 0.3, the default of Keras and so of MM-Synth.

    Example:
        >>> import torch
        >>> leaky_conv(2, 1, 4)(torch.rand(1, 1, 6, 5)).shape
        torch.Size([1, 4, 6, 5])
    """
    return nn.Sequential(conv(dimensions, inputs, outputs), nn.LeakyReLU(0.3))


def norm_relu(name: Norm, dimensions: int, channels: int) -> tuple[nn.Module, nn.Module]:
    """Make a normalisation layer and the ReLU after it.

    Example:
        >>> norm_relu("none", 2, 16)
        (Identity(), ReLU())
    """
    return norm(name, dimensions, channels), nn.ReLU()


def norm(name: Norm, dimensions: int, channels: int, *, affine: bool = True) -> nn.Module:
    """Make a normalisation layer; ``none`` keeps the absolute intensity.

    Example:
        >>> norm("group", 2, 16).num_groups
        8
    """
    if name == "none":
        return nn.Identity()
    if name == "group":
        return nn.GroupNorm(max(g for g in (8, 4, 2, 1) if channels % g == 0), channels, affine=affine)
    layers = {"batch": (nn.BatchNorm2d, nn.BatchNorm3d), "instance": (nn.InstanceNorm2d, nn.InstanceNorm3d)}
    return layers[name][dimensions - 2](channels, affine=affine)


class ResidualBlock(nn.Module):
    """Residual block: conv, norm, SiLU, conv, norm, plus the input, then SiLU.

    Args:
        stride: Step of the first convolution.
        normalisation: Normalisation after each convolution.
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
    """List the sites of a feature pyramid.

    Args:
        widths: Output channels of each level, finest first.
        inward: Input channels of each block with a site in front of it.
        first: Number of the first block with a site.

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
    """Apply a row of blocks and return the output of each as a level.

    Args:
        blocks: One for each level, finest first.
        x: (B, C, *S), the input of the first block.
        modulate: Applied at the sites of `pyramid_sites`.
        first: Number of the first block with a site: 1 if block 0 reads the images.

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
    return modulated_levels(levels, modulate)


def modulated_levels(levels: Iterable[Tensor], modulate: Modulate) -> Features:
    """Modulate levels, finest first, at the sites of the skips and of the deepest features.

    Example:
        >>> import torch
        >>> features = modulated_levels([torch.zeros(1, 2, 8, 8), torch.zeros(1, 4, 4, 4)], lambda site, x: x + 1)
        >>> [float(x.mean()) for x in (*features.skips, features.deep)]
        [1.0, 1.0]
    """
    *skips, deep = levels
    modulated = tuple(modulate(f"encoder/skip{i}", skip) for i, skip in enumerate(skips))
    return Features(modulated, modulate("encoder/out", deep))
