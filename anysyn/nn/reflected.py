"""Convolutions with reflection padding, and residual blocks of them."""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.nn.blocks import Norm, norm, norm_relu


def reflected_conv(dimensions: int, inputs: int, outputs: int, kernel: int = 3, *, bias: bool = True) -> nn.Module:
    """Make a convolution with reflection padding, which keeps the size.

    Args:
        dimensions: 2 or 3.
        inputs: Channels in.
        outputs: Channels out.
        kernel: Odd kernel length of every axis; images are longer than half of it along each.
        bias: Whether it has a bias.

    Example:
        >>> import torch
        >>> reflected_conv(2, 1, 4, 7)(torch.rand(1, 1, 8, 6)).shape
        torch.Size([1, 4, 8, 6])
    """
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
    return layer(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect", bias=bias)


class ReflectedBlock(nn.Module):
    """Residual block with reflection padding: conv, norm, ReLU, conv, norm, plus the input.

    Args:
        dimensions: 2 or 3.
        channels: Channels in and out.
        normalisation: Normalisation after each convolution.

    Example:
        >>> import torch
        >>> ReflectedBlock(dimensions=2, channels=4, normalisation="batch")(torch.rand(2, 4, 5, 6)).shape
        torch.Size([2, 4, 5, 6])
    """

    def __init__(self, *, dimensions: int, channels: int, normalisation: Norm) -> None:
        super().__init__()
        bias = normalisation == "none"
        self.body = nn.Sequential(
            reflected_conv(dimensions, channels, channels, bias=bias),
            *norm_relu(normalisation, dimensions, channels),
            reflected_conv(dimensions, channels, channels, bias=bias),
            norm(normalisation, dimensions, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *S) to (B, C, *S)."""
        y: Tensor = x + self.body(x)  # (B, C, *S)
        return y
