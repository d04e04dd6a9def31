"""A transformer over the voxels of feature maps, with learned positions for images of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.nn.blocks import conv
from anysyn.nn.positions import maps_of, on_grid, tokens_of


class SelfAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al., NeurIPS 2017).

    Args:
        width: Token width.
        heads: Attention heads, a divisor of the width.
        bias: Whether the linear layers have a bias.

    Example:
        >>> SelfAttention(width=8, heads=2)(torch.rand(3, 5, 8)).shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, *, width: int, heads: int, bias: bool = True) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"heads: {heads} cannot share {width} channels; take a divisor of them")
        self.heads = heads
        self.joint, self.answer = nn.Linear(width, 3 * width, bias=bias), nn.Linear(width, width, bias=bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, N, D) to (B, N, D)."""
        query, key, value = self.joint(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value)  # (B, H, N, D / H)
        projected: Tensor = self.answer(attended.transpose(1, 2).flatten(2))  # (B, N, D)
        return projected


class TransformerBlock(nn.Module):
    """Transformer block: self-attention and an MLP, each with a residual connection and a norm.

    Args:
        width: Token width.
        heads: Attention heads.
        hidden: Width of the MLP's hidden layer.
        norm_first: Whether the norms come before the branches (pre-norm, as in ViT) or after the sums (post-norm).
        bias: Whether the linear layers of the attention have a bias.
        dropout: Dropout rate of the branches.

    Example:
        >>> TransformerBlock(width=8, heads=2, hidden=16)(torch.rand(3, 5, 8)).shape
        torch.Size([3, 5, 8])
    """

    def __init__(
        self,
        *,
        width: int,
        heads: int,
        hidden: int,
        norm_first: bool = True,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.attention = SelfAttention(width=width, heads=heads, bias=bias)
        self.perceptron = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.norms, self.dropout = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)]), nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, N, D) to (B, N, D)."""
        for norm, branch in zip(self.norms, (self.attention, self.perceptron), strict=True):
            if self.norm_first:
                tokens = tokens + self.dropout(branch(norm(tokens)))
            else:
                tokens = norm(tokens + self.dropout(branch(tokens)))
        return tokens


class Transformer(nn.Sequential):
    """Row of transformer blocks; pre-norm blocks are followed by a norm.

    Args:
        width: Token width.
        layers: Number of blocks.
        norm_first: As in `TransformerBlock`.
        block: The other options of `TransformerBlock`.

    Example:
        >>> Transformer(width=8, layers=2, heads=2, hidden=16)(torch.rand(3, 5, 8)).shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, *, width: int, layers: int, norm_first: bool = True, **block: Any) -> None:
        blocks = [TransformerBlock(width=width, norm_first=norm_first, **block) for _ in range(layers)]
        super().__init__(*blocks, *([nn.LayerNorm(width)] if norm_first else []))


class VoxelTokens(nn.Module):
    """Tokens of feature maps, one per voxel: a linear map plus a learned position.

    Positions are learned on one grid and interpolated to that of the features.

    Args:
        width: Token width.
        side: Voxels along each axis for which positions are learned.
        class_token: Whether a learned token precedes those of the voxels.

    Example:
        >>> VoxelTokens(dimensions=2, inputs=4, width=8, side=14, class_token=True)(torch.rand(3, 4, 5, 6)).shape
        torch.Size([3, 31, 8])
    """

    def __init__(self, *, dimensions: int, inputs: int, width: int, side: int, class_token: bool = False) -> None:
        super().__init__()
        self.learned = (side,) * dimensions
        self.project = conv(dimensions, inputs, width, 1)
        self.first = nn.Parameter(torch.empty(1, int(class_token), width)) if class_token else None
        self.positions = nn.Parameter(torch.empty(1, int(class_token) + side**dimensions, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the positions and the class token."""
        nn.init.normal_(self.positions, std=0.02)
        if self.first is not None:
            nn.init.normal_(self.first, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, *S) to (B, N, width), or one token more."""
        tokens = tokens_of(self.project(x))  # (B, N, D)
        if self.first is None:
            return tokens + on_grid(self.positions, self.learned, x.shape[2:])
        own, table = self.positions[:, :1], self.positions[:, 1:]  # (1, 1, D), (1, N learned, D)
        first = (self.first + own).expand(x.shape[0], -1, -1)  # (B, 1, D)
        return torch.cat([first, tokens + on_grid(table, self.learned, x.shape[2:])], 1)  # (B, 1 + N, D)

    def maps(self, tokens: Tensor, size: Sequence[int]) -> Tensor:
        """Arrange the tokens of the voxels as maps: (B, N, D), or one token more, to (B, D, *size)."""
        return maps_of(tokens if self.first is None else tokens[:, 1:], size)  # (B, D, *size)
