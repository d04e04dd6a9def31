"""Tile blending: synthesized tiles joined on the grid of the output."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor

from anysyn.data.geometry.boxes import Box
from anysyn.data.geometry.output_grid import Raster
from anysyn.synthesis.tiling.blending_weights import raised_cosine


class BlendedTiles:
    """Images made of tiles that are blended smoothly where they overlap.

    Each voxel is the weighted mean of the tiles that cover it. The weights fall towards the ends of a tile
    (`raised_cosine` along every axis that one tile does not cover entirely).

    Args:
        raster: Where the voxels of the output lie among those of the input.
        air: (K,) value of each image outside all tiles.

    Example:
        >>> blended = BlendedTiles(Raster.same((4, 4, 6)), torch.zeros(1))
        >>> for z in (0, 2):
        ...     blended.put(Box((0, 0, z), (4, 4, 4)), torch.ones(1, 4, 4, 4))
        >>> bool((blended.images() == 1).all())
        True
    """

    def __init__(self, raster: Raster, air: Tensor) -> None:
        self.raster, self.air = raster, air.float().cpu()
        self._sum = torch.zeros(len(air), *raster.shape)
        self._weight = torch.zeros(raster.shape)

    def put(self, kept: Box, images: Tensor) -> None:
        """Add one tile.

        Args:
            kept: The part of the input for which it is used.
            images: (K, x, y, z) at the voxels of the output whose centres lie in that part.
        """
        region = self.raster.covered(kept)
        inside, weight = region.inside(self.raster.shape), self._weights(kept, region)
        self._sum[(slice(None), *inside)] += weight * images.float().cpu()
        self._weight[inside] += weight

    def images(self) -> Tensor:
        """Return the images (K, X, Y, Z)."""
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
