"""Separable resampling to any voxel size: one small matrix for each axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod

import torch
from torch import Tensor

from anysyn.data.geometry.itk_resampling import antialiasing


def smoothing(length: int, sigma: float) -> Tensor:
    """Return the matrix of a Gaussian filter along one axis; beyond the ends the outermost voxels are repeated.

    Args:
        length: Voxels of the axis.
        sigma: Standard deviation in voxels; the kernel ends at four of them.

    Returns:
        (length, length) float64; each row sums to 1.

    Example:
        >>> smoothing(3, 0.0).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    radius = int(4 * sigma + 0.5)
    matrix = torch.zeros(length, length, dtype=torch.float64)
    if radius == 0:
        return matrix.fill_diagonal_(1.0)
    offsets = torch.arange(-radius, radius + 1)  # (2 r + 1,)
    weights = torch.exp(-0.5 * (offsets.double() / sigma).square())  # (2 r + 1,)
    columns = (torch.arange(length).unsqueeze(1) + offsets).clamp(0, length - 1)  # (n, 2 r + 1)
    return matrix.scatter_add_(1, columns, (weights / weights.sum()).expand(length, -1))


def interpolation(length: int, at: Tensor) -> Tensor:
    """Return the matrix of linear interpolation along one axis; beyond the outermost voxel centres it is constant.

    Args:
        length: Voxels of the axis.
        at: (m,) positions in voxels: 0 is the centre of the first one.

    Returns:
        (m, length) float64; each row sums to 1.

    Example:
        >>> interpolation(3, torch.tensor([0.25, -1.0])).tolist()
        [[0.75, 0.25, 0.0], [1.0, 0.0, 0.0]]
    """
    inside = at.double().clamp(0, length - 1)  # (m,)
    low = inside.floor().long().clamp(max=max(length - 2, 0))  # (m,)
    share = inside - low  # (m,)
    columns = torch.stack([low, (low + 1).clamp(max=length - 1)], 1)  # (m, 2)
    weights = torch.stack([1 - share, share], 1)  # (m, 2)
    return torch.zeros(len(inside), length, dtype=torch.float64).scatter_add_(1, columns, weights)


def resampling(length: int, at: Tensor, step: float) -> Tensor:
    """Return the matrix (m, length) of `interpolation`, with the Gaussian of `antialiasing` if the axis gets coarser.

    Args:
        length: Voxels of the axis.
        at: (m,) positions in voxels.
        step: Edge of the new voxels in old ones.
    """
    return interpolation(length, at) @ smoothing(length, float(antialiasing(step)))


def along(images: Tensor, matrices: Mapping[int, Tensor]) -> Tensor:
    """Multiply axes of images by matrices, in the type of the images.

    Args:
        images: (..., n_a, ...).
        matrices: (m_a, n_a) by the number a of the axis.

    Example:
        >>> along(torch.ones(2, 4, 5), {2: torch.full((3, 5), 0.2)}).shape
        torch.Size([2, 4, 3])
    """
    for axis, matrix in sorted(matrices.items(), reverse=True):  # the last axis first: it needs no copy of the whole
        before, after = images.shape[:axis], images.shape[axis + 1 :]
        one = matrix.to(images)  # (m, n)
        if after:  # as a batch of products nothing is moved
            rows = images.reshape(prod(before), -1, prod(after))  # (r, n, c)
            product = torch.bmm(one.expand(len(rows), *one.shape), rows)  # (r, m, c)
        else:
            product = images.reshape(-1, images.shape[axis]) @ one.T  # (r, m)
        images = product.reshape(*before, len(one), *after)  # (..., m, ...)
    return images


def downsample(images: Tensor, size: Sequence[int]) -> Tensor:
    """Downsample images to fewer voxels over the same field of view; images of that size are returned as they are.

    Args:
        images: (M, *S).
        size: New number of voxels along the axes of *S.

    Example:
        >>> downsample(torch.ones(2, 6, 9), (4, 3)).shape
        torch.Size([2, 4, 3])
    """
    matrices = {}
    for axis, (old, new) in enumerate(zip(images.shape[1:], size, strict=True), 1):
        if new != old:
            matrices[axis] = _coarser(old, new)
    return along(images, matrices)


@lru_cache(maxsize=256)  # a training draws a few sizes again and again
def _coarser(old: int, new: int) -> Tensor:
    step = old / new
    return resampling(old, (torch.arange(new).double() + 0.5) * step - 0.5, step)  # (new, old)
