"""Boxes of voxels: cutting them out of a volume, and putting answers together again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from anysyn.data.grid import Shape


class Box(NamedTuple):
    """Say which voxels: the first along X, Y, Z, and how many; a box may reach out of the volume."""

    start: Shape
    size: Shape

    def inside(self, shape: Sequence[int]) -> tuple[slice, slice, slice]:
        """Return the part of a volume that the box covers.

        Example:
            >>> Box((-1, 2, 0), (4, 4, 4)).inside((8, 4, 4))
            (slice(0, 3, None), slice(2, 4, None), slice(0, 4, None))
        """
        x, y, z = (slice(max(a, 0), min(a + n, full)) for a, n, full in zip(*self, shape, strict=True))
        return x, y, z

    def covered(self, shape: Sequence[int]) -> tuple[slice, slice, slice]:
        """Return the part of the box that lies in a volume.

        Example:
            >>> Box((-1, 2, 0), (4, 4, 4)).covered((8, 4, 4))
            (slice(1, 4, None), slice(0, 2, None), slice(0, 4, None))
        """
        x, y, z = (slice(s.start - a, s.stop - a) for s, a in zip(self.inside(shape), self.start, strict=True))
        return x, y, z


def centred(length: int, size: int) -> int:
    """Return where a size starts that is centred on a length; below zero where it is the longer one.

    Example:
        >>> centred(10, 4), centred(4, 10)
        (3, -3)
    """
    return math.floor((length - size) / 2)


def starts(length: int, size: int, overlap: float) -> list[int]:
    """Spread as few equal sizes as possible over a length, so that neighbours share at least a given part.

    Args:
        length: Voxels to be covered.
        size: Voxels of one piece; one that is longer than the length is centred on it.
        overlap: Share of a piece that its neighbour covers as well, from 0 to below 1.

    Example:
        >>> starts(10, 4, 0.0), starts(10, 4, 0.5), starts(3, 4, 0.5)
        ([0, 3, 6], [0, 2, 4, 6], [-1])
    """
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap: {overlap} is not from 0 to below 1 (a share of the tile)")
    if length <= size:
        return [centred(length, size)]
    step = max(1, int(size * (1 - overlap)))
    steps = math.ceil((length - size) / step)
    return [round(i * (length - size) / steps) for i in range(steps + 1)]


def cut(images: Tensor, box: Box, air: Tensor | None = None) -> Tensor:
    """Cut a box out of a volume.

    Args:
        images: (M, X, Y, Z).
        box: Which voxels; what lies outside of the volume is filled.
        air: (M,) what fills it; 0 by default.

    Returns:
        (M, *size); a view of the volume where the box lies inside of it.

    Example:
        >>> cut(torch.ones(1, 2, 2, 2), Box((0, 0, 1), (2, 2, 2)))[0, 0]
        tensor([[1., 0.],
                [1., 0.]])
    """
    shape = images.shape[1:]
    part = images[(slice(None), *box.inside(shape))]
    if part.shape[1:] == box.size:
        return part  # (M, *size)
    fill = images.new_zeros(len(images)) if air is None else air.to(images)
    whole = fill.reshape(-1, 1, 1, 1).repeat(1, *box.size)  # (M, *size)
    whole[(slice(None), *box.covered(shape))] = part
    return whole


def raised_cosine(length: int) -> Tensor:
    """Weigh a piece from its middle to its ends: ``sin^2(pi (i + 1/2) / length)``, never zero.

    Pieces that overlap by half add up to 1.

    Returns:
        (length,) float32.

    Example:
        >>> [round(weight, 3) for weight in raised_cosine(4).tolist()]
        [0.146, 0.854, 0.854, 0.146]
    """
    return torch.sin(math.pi * (torch.arange(length) + 0.5) / length).square()


class Mosaic:
    """Put the answers of boxes together, blending them smoothly where they overlap.

    Each voxel is the average of the boxes that hold it, by weights that fall towards the ends of a box (`raised_cosine`
    along every axis that one box does not cover whole); divided by their sum, the weights add up to 1.

    Args:
        shape: Voxels of the volume along X, Y, Z.
        air: (K,) value of each image where no box lies.

    Example:
        >>> mosaic = Mosaic((4, 4, 6), torch.zeros(1))
        >>> for z in (0, 2):
        ...     mosaic.put(Box((0, 0, z), (4, 4, 4)), torch.ones(1, 4, 4, 4))
        >>> bool((mosaic.images() == 1).all())
        True
    """

    def __init__(self, shape: Shape, air: Tensor) -> None:
        self.shape, self.air = shape, air.float().cpu()
        self._sum = torch.zeros(len(air), *shape)
        self._weight = torch.zeros(shape)

    def put(self, box: Box, images: Tensor) -> None:
        """Add the answer of one box.

        Args:
            box: Which voxels.
            images: (K, *size).
        """
        here, there = box.covered(self.shape), box.inside(self.shape)
        weight = self._weights(box.size)[here]  # (x, y, z)
        self._sum[(slice(None), *there)] += weight * images.float().cpu()[(slice(None), *here)]
        self._weight[there] += weight

    def images(self) -> Tensor:
        """Return the whole (K, X, Y, Z)."""
        air = self.air.reshape(-1, 1, 1, 1).expand_as(self._sum)
        return torch.where(self._weight > 0, self._sum / self._weight, air)  # (K, X, Y, Z)

    def _weights(self, size: Shape) -> Tensor:
        sides = (torch.ones(n) if n >= full else raised_cosine(n) for n, full in zip(size, self.shape, strict=True))
        return reduce(lambda product, side: product.unsqueeze(-1) * side, sides)  # (x, y, z)
