"""Convolution blocks for two and three dimensions."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

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
