"""Aggregated residual transformers: features joined with a transformer's output on a coarser grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anysyn.nn.blocks import Norm, conv, norm, norm_relu
from anysyn.nn.transformer import Transformer, VoxelTokens


class AggregatedTransformer(nn.Module):
    """Transformer at a quarter of the features' size, whose output is joined with them (Dalmaz et al., 2022).

    Two convolutions of stride 2 go down, two transposed ones go up, and a residual block compresses the concatenation
    of both to the input's channels. The transformer is an argument of `forward`, so several blocks can share one.

    Args:
        width: Token width of the transformer.
        side: Tokens along each axis for which positions are learned.
        normalisation: Normalisation after each convolution.

    Example:
        >>> joined = AggregatedTransformer(dimensions=2, channels=4, width=8, side=3, normalisation="batch")
        >>> joined(torch.rand(2, 4, 11, 6), Transformer(width=8, layers=1, heads=2, hidden=16)).shape
        torch.Size([2, 4, 11, 6])
    """

    def __init__(self, *, dimensions: int, channels: int, width: int, side: int, normalisation: Norm) -> None:
        super().__init__()
        bias = normalisation == "none"
        self.down = nn.ModuleList(
            nn.Sequential(
                conv(dimensions, inputs, 2 * inputs, stride=2, bias=bias),
                *norm_relu(normalisation, dimensions, 2 * inputs),
            )
            for inputs in (channels, 2 * channels)
        )
        self.tokens = VoxelTokens(dimensions=dimensions, inputs=4 * channels, width=width, side=side)
        pairs = ((width, 2 * channels), (2 * channels, channels))
        self.up = nn.ModuleList(_doubling(dimensions, inputs, outputs, bias=bias) for inputs, outputs in pairs)
        self.ends = nn.ModuleList(nn.Sequential(*norm_relu(normalisation, dimensions, outputs)) for _, outputs in pairs)
        self.shortcut = nn.Sequential(
            conv(dimensions, 2 * channels, channels, 1, bias=bias), norm(normalisation, dimensions, channels)
        )
        self.compress = nn.Sequential(
            conv(dimensions, 2 * channels, channels, bias=bias),
            *norm_relu(normalisation, dimensions, channels),
            conv(dimensions, channels, channels, bias=bias),
            norm(normalisation, dimensions, channels),
        )

    def forward(self, features: Tensor, transformer: Transformer) -> Tensor:
        """Map (B, C, *S) to (B, C, *S)."""
        x, sizes = features, []
        for layer in self.down:
            sizes.append(x.shape[2:])
            x = layer(x)  # (B, 4 C, *S / 4) after the last, rounded up
        x = self.tokens.maps(transformer(self.tokens(x)), x.shape[2:])  # (B, width, *S / 4)
        for layer, end, size in zip(self.up, self.ends, reversed(sizes), strict=True):
            x = end(layer(x, output_size=list(size)))  # (B, C, *S) after the last
        both = torch.cat([x, features], 1)  # (B, 2 C, *S)
        return nn.functional.relu(self.compress(both) + self.shortcut(both))  # (B, C, *S)


def _doubling(dimensions: int, inputs: int, outputs: int, *, bias: bool) -> nn.Module:
    layer = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[dimensions]
    return layer(inputs, outputs, 3, stride=2, padding=1, bias=bias)
