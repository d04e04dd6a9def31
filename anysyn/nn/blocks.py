"""Convolutions, norms and residual blocks for two and three dimensions."""

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
        bias: Whether it has a bias.

    Example:
        >>> conv(3, 1, 4).weight.shape
        torch.Size([4, 1, 3, 3, 3])
    """
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
    return layer(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=bias)


def leaky_conv(dimensions: int, inputs: int, outputs: int) -> nn.Module:
    """Make a convolution of kernel 3 with a leaky ReLU of slope 0.3, the default of Keras and so of MM-Synth.

    Args:
        dimensions: 2 or 3.
        inputs: Channels in.
        outputs: Channels out.

    Example:
        >>> import torch
        >>> leaky_conv(2, 1, 4)(torch.rand(1, 1, 6, 5)).shape
        torch.Size([1, 4, 6, 5])
    """
    return nn.Sequential(conv(dimensions, inputs, outputs), nn.LeakyReLU(0.3))


def norm_relu(name: Norm, dimensions: int, channels: int) -> tuple[nn.Module, nn.Module]:
    """Make a normalisation layer and the ReLU after it.

    Args:
        name: Kind of normalisation.
        dimensions: 2 or 3.
        channels: Channels in and out.

    Example:
        >>> norm_relu("none", 2, 16)
        (Identity(), ReLU())
    """
    return norm(name, dimensions, channels), nn.ReLU()


def norm(name: Norm, dimensions: int, channels: int, *, affine: bool = True) -> nn.Module:
    """Make a normalisation layer; ``none`` keeps the absolute intensity.

    Args:
        name: Kind of normalisation.
        dimensions: 2 or 3.
        channels: Channels in and out.
        affine: Whether it learns a scale and an offset per channel.

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
    """Residual block: conv, norm, SiLU, conv, norm, plus the input, then SiLU.

    Args:
        dimensions: 2 or 3.
        inputs: Channels in.
        outputs: Channels out.
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
