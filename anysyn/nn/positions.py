"""Learned position embeddings of a transformer, on a grid of any size."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def on_grid(table: Tensor, learned: Sequence[int], grid: Sequence[int]) -> Tensor:
    """Interpolate position embeddings from the grid that they were learned on to another: bicubic in 2-D, else linear.

    Args:
        table: (1, N, D), N being the product of ``learned``.
        learned: Tokens along each of the 2 or 3 axes of the table.
        grid: Tokens along each axis of the new grid.

    Returns:
        (1, N', D), the table itself if the grids are the same.

    Example:
        >>> import torch
        >>> on_grid(torch.rand(1, 6, 8), (2, 3), (4, 3)).shape
        torch.Size([1, 12, 8])
    """
    if tuple(learned) == tuple(grid):
        return table
    maps = table.transpose(1, 2).reshape(1, -1, *learned)  # (1, D, *learned)
    mode = {2: "bicubic", 3: "trilinear"}[len(grid)]
    return F.interpolate(maps.float(), size=tuple(grid), mode=mode).to(table.dtype).flatten(2).transpose(1, 2)


def tokens_of(features: Tensor) -> Tensor:
    """List the voxels of feature maps as tokens: (B, C, *S) to (B, N, C).

    Example:
        >>> import torch
        >>> tokens_of(torch.rand(2, 8, 3, 4)).shape
        torch.Size([2, 12, 8])
    """
    return features.flatten(2).transpose(1, 2)  # (B, N, C)


def maps_of(tokens: Tensor, grid: Sequence[int]) -> Tensor:
    """Arrange tokens on their grid: (B, N, C) to (B, C, *grid).

    Example:
        >>> import torch
        >>> maps_of(torch.rand(2, 12, 8), (3, 4)).shape
        torch.Size([2, 8, 3, 4])
    """
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, *grid).contiguous()  # (B, C, *grid)
