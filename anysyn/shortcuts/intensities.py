"""Intensities laid out for a regression: which of some knots they lie between, and what is around them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def hats(values: Tensor, knots: int) -> Tensor:
    """Say between which two of evenly spaced knots values lie, and where between them.

    A piecewise linear function of a value with these knots is a weighted sum of the answers (linear B-splines).

    Args:
        values: (...), any numbers; those outside [0, 1] count as its ends.
        knots: How many there are from 0 to 1, 2 or more.

    Returns:
        (..., knots): 1 at a knot, falling to 0 at its neighbours.

    Example:
        >>> hats(torch.tensor([0.0, 0.25, 2.0]), 3)
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 0.5000, 0.0000],
                [0.0000, 0.0000, 1.0000]])
    """
    at = values.clamp(0, 1).unsqueeze(-1) * (knots - 1)  # (..., 1)
    return (1 - (at - torch.arange(knots, device=values.device)).abs()).relu()  # (..., knots)


def windows(images: Tensor, reach: int, dimensions: int) -> Tensor:
    """Show each voxel with what is around it along the last axes, without a copy; outside of an image is air.

    Args:
        images: (B, J, *S).
        reach: How many voxels away a neighbour is at the most, along each axis.
        dimensions: How many of the last axes.

    Returns:
        (B, J, *S, *W), where each of the `dimensions` axes W has 2 reach + 1 voxels, the one in the middle the voxel
        itself.

    Example:
        >>> windows(torch.zeros(1, 2, 5, 6), reach=1, dimensions=2).shape
        torch.Size([1, 2, 5, 6, 3, 3])
    """
    around = F.pad(images, [reach] * 2 * dimensions)  # (B, J, *S padded)
    for axis in range(images.ndim - dimensions, images.ndim):
        around = around.unfold(axis, 2 * reach + 1, 1)  # (B, J, *S, *W)
    return around


def neighbours(images: Tensor, reach: int, dimensions: int) -> Tensor:
    """Lay out each voxel and what is around it, as `windows` shows it.

    Args:
        images: (B, J, *S).
        reach: How many voxels away a neighbour is at the most, along each axis.
        dimensions: How many of the last axes.

    Returns:
        (B, J, *S, P), of P = (2 reach + 1) ** dimensions voxels, the one in the middle the voxel itself.

    Example:
        >>> neighbours(torch.tensor([[[1.0, 2.0, 3.0]]]), 1, 1)[0, 0]
        tensor([[0., 1., 2.],
                [1., 2., 3.],
                [2., 3., 0.]])
    """
    return windows(images, reach, dimensions).flatten(-dimensions)  # (B, J, *S, P)
