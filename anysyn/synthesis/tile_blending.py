"""Mosaics: the answers of tiles, put together on the grid of the output."""

from __future__ import annotations

import math
from functools import reduce

import torch
from torch import Tensor

from anysyn.data.geometry.boxes import Box
from anysyn.data.geometry.output_grid import Raster

LEAST = 1e-6  # weight where an output voxel lies on the very end of a tile


def raised_cosine(share: Tensor) -> Tensor:
    """Weigh a piece from its middle to its ends: ``sin^2(pi share)``, never zero.

    Pieces that overlap by half add up to 1.

    Args:
        share: (n,) where in the piece, from 0 to 1.

    Example:
        >>> [round(weight, 3) for weight in raised_cosine((torch.arange(4) + 0.5) / 4).tolist()]
        [0.146, 0.854, 0.854, 0.146]
    """
    return torch.sin(math.pi * share).square().clamp(min=LEAST)


class Mosaic:
    """Put the answers of tiles together, blending them smoothly where they overlap.

    Each voxel is the average of the tiles that answer it, by weights that fall towards the ends of what a tile answers
    (`raised_cosine` along every axis that one tile does not cover whole); divided by their sum, they add up to 1.

    Args:
        raster: Where the voxels of the output lie among those of the input.
        air: (K,) value of each image where no tile lies.

    Example:
        >>> mosaic = Mosaic(Raster.same((4, 4, 6)), torch.zeros(1))
        >>> for z in (0, 2):
        ...     mosaic.put(Box((0, 0, z), (4, 4, 4)), torch.ones(1, 4, 4, 4))
        >>> bool((mosaic.images() == 1).all())
        True
    """

    def __init__(self, raster: Raster, air: Tensor) -> None:
        self.raster, self.air = raster, air.float().cpu()
        self._sum = torch.zeros(len(air), *raster.shape)
        self._weight = torch.zeros(raster.shape)

    def put(self, kept: Box, images: Tensor) -> None:
        """Add the answer of one tile.

        Args:
            kept: Which part of the input it answers for.
            images: (K, x, y, z) at the voxels of the output whose centres lie there.
        """
        region = self.raster.covered(kept)
        there, weight = region.inside(self.raster.shape), self._weights(kept, region)
        self._sum[(slice(None), *there)] += weight * images.float().cpu()
        self._weight[there] += weight

    def images(self) -> Tensor:
        """Return the whole (K, X, Y, Z)."""
        air = self.air.reshape(-1, 1, 1, 1).expand_as(self._sum)
        return torch.where(self._weight > 0, self._sum / self._weight, air)  # (K, X, Y, Z)

    def _weights(self, kept: Box, region: Box) -> Tensor:
        sides = []
        for axis, (start, size) in enumerate(zip(*kept, strict=True)):
            first = region.start[axis]
            at = self.raster.axes[axis][first : first + region.size[axis]]  # (n,)
            whole = size >= self.raster.within[axis]
            share = ((at - start + 0.5) / size).float()
            sides.append(torch.ones(len(at)) if whole else raised_cosine(share))
        return reduce(lambda product, side: product.unsqueeze(-1) * side, sides)  # (x, y, z)
