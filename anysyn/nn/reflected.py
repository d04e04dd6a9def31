"""Convolutions that see the image mirrored beyond its border, and residual blocks of them."""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.nn.blocks import Norm, norm


def reflected(dimensions: int, inputs: int, outputs: int, kernel: int = 3, *, bias: bool = True) -> nn.Module:
    """Make a convolution that keeps the size and sees the image mirrored beyond its border.

    Args:
        dimensions: 2 or 3.
        inputs: Channels in.
        outputs: Channels out.
        kernel: Odd kernel length of every axis; images have more than half of it along each.
        bias: Whether an offset is learned.

    Example:
        >>> import torch
        >>> reflected(2, 1, 4, 7)(torch.rand(1, 1, 8, 6)).shape
        torch.Size([1, 4, 8, 6])
    """
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
    return layer(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect", bias=bias)


class ReflectedBlock(nn.Module):
    """Add two convolutions to their input: conv, norm, ReLU, conv, norm.

    Args:
        dimensions: 2 or 3.
        channels: Channels in and out.
        normalisation: Which normalisation follows each convolution.

    Example:
        >>> import torch
        >>> ReflectedBlock(dimensions=2, channels=4, normalisation="batch")(torch.rand(2, 4, 5, 6)).shape
        torch.Size([2, 4, 5, 6])
    """

    def __init__(self, *, dimensions: int, channels: int, normalisation: Norm) -> None:
        super().__init__()
        bias = normalisation == "none"
        self.body = nn.Sequential(
            reflected(dimensions, channels, channels, bias=bias),
            norm(normalisation, dimensions, channels),
            nn.ReLU(),
            reflected(dimensions, channels, channels, bias=bias),
            norm(normalisation, dimensions, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *S) to (B, C, *S)."""
        out: Tensor = x + self.body(x)  # (B, C, *S)
        return out
