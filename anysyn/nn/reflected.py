"""Residual blocks with reflection padding."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from anysyn.nn.blocks import Norm, conv, norm, norm_relu


class ReflectedBlock(nn.Module):
    """Residual block with reflection padding: conv, norm, ReLU, conv, norm, plus the input.

    Args:
        normalisation: Normalisation after each convolution.

    Example:
        >>> import torch
        >>> ReflectedBlock(dimensions=2, channels=4, normalisation="batch")(torch.rand(2, 4, 5, 6)).shape
        torch.Size([2, 4, 5, 6])
    """

    def __init__(self, *, dimensions: int, channels: int, normalisation: Norm) -> None:
        super().__init__()
        options: dict[str, Any] = {"bias": normalisation == "none", "padding_mode": "reflect"}
        self.body = nn.Sequential(
            conv(dimensions, channels, channels, **options),
            *norm_relu(normalisation, dimensions, channels),
            conv(dimensions, channels, channels, **options),
            norm(normalisation, dimensions, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *S) to (B, C, *S)."""
        y: Tensor = x + self.body(x)  # (B, C, *S)
        return y
