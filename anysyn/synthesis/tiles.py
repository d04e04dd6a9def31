"""Tiles: which part of the input each is shown, which part of the output it answers, and how answers come together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from torch import Tensor

from anysyn.data.geometry.boxes import Box
from anysyn.data.geometry.grid import Grid
from anysyn.data.geometry.output_grid import Raster
from anysyn.data.geometry.resampling import along, resampling
from anysyn.data.views import View
from anysyn.points import Lattice
from anysyn.synthesis.tile_blending import Mosaic


class Tile(NamedTuple):
    """Say what one tile is shown and where it answers.

    Args:
        box: What it is shown of the input.
        kept: The part of that for which its answer is used.
        region: The voxels of the output there.
        places: Where they lie in the box; None where the network answers at all of the box's own voxels.
    """

    box: Box
    kept: Box
    region: Box
    places: Lattice | None

    def answer(self, view: View, images: Tensor) -> Tensor:
        """Bring what the network answered, (K, *S) or (K, *N), to (K, *region.size)."""
        if self.places is not None:
            return view.give(images, self.region)
        return view.give(images, self.box)[(slice(None), *self.box.of(self.kept))]


class Canvas:
    """Collect the answers of a view's tiles on any grid.

    The network answers at the output's voxels along the axes that it has and where they are not coarser than the
    input's. Along the others, the slice axis of a view in slices or an axis that gets coarser, it answers at the
    input's voxels, and its answers are resampled linearly, with a Gaussian against aliasing.

    Args:
        view: Which tiles there are.
        raster: Where the output's voxels lie among those of the input.
        air: (K,) value of each image where no tile answers.
        pointwise: Whether the network answers each place by itself, so that it is not asked for the halo.

    Example:
        >>> import torch
        >>> from anysyn.data.views import Slices
        >>> canvas = Canvas(Slices(), Raster.same((4, 5, 6)), torch.zeros(1))
        >>> [len(tiles) for tiles in canvas.tiles(torch.ones(4, 5, 6, dtype=torch.bool), most=4)]
        [4, 2]
    """

    def __init__(self, view: View, raster: Raster, air: Tensor, pointwise: bool = False) -> None:
        self.view, self.raster, self.air = view, raster, air
        changed = [axis for axis in range(3) if not raster.same_along(axis)]
        self.later = [axis for axis in changed if axis not in view.spatial or raster.step[axis] > 1]
        self.direct = raster.keeping(self.later)
        self.mosaic = Mosaic(self.direct, air)
        own = all(self.direct.same_along(axis) for axis in range(3))
        self.whole = own and not (pointwise and view.halo)

    def tiles(self, foreground: Tensor, most: int) -> Iterator[list[Tile]]:
        """Yield the tiles that hold foreground, in groups that answer at the same places of their boxes.

        Args:
            foreground: (X, Y, Z) bool.
            most: Tiles in a group.
        """
        groups = defaultdict[Hashable, list[Tile]](list)
        for box in self.view.tiles(foreground):
            tile = self._tile(box)
            groups[_places(tile)].append(tile)
        for tiles in groups.values():
            yield from (tiles[first : first + most] for first in range(0, len(tiles), most))

    def spacing(self, grid: Grid) -> tuple[float, float, float]:
        """Return the voxel edge lengths in mm that the network is asked for.

        Args:
            grid: That of the input.
        """
        x, y, z = (edge * step for edge, step in zip(grid.spacing, self.direct.step, strict=True))
        return round(x, 4), round(y, 4), round(z, 4)

    def put(self, tile: Tile, images: Tensor) -> None:
        """Add what the network answered for a tile, (K, *S) or (K, *N)."""
        self.mosaic.put(tile.kept, tile.answer(self.view, images))

    def images(self) -> Tensor:
        """Return the whole (K, *N) in the order of the output's own array."""
        whole, air = self.mosaic.images(), self.air.reshape(-1, 1, 1, 1)
        matrices = {}
        for axis in self.later:
            at, length = self.raster.axes[axis], self.raster.within[axis]
            outside = (at < -0.5) | (at >= length - 0.5)  # (n,)
            matrices[1 + axis] = resampling(length, at, self.raster.step[axis]).masked_fill(outside[:, None], 0)
        whole = along(whole - air, matrices) + air if matrices else whole  # (K, X, Y, Z)
        return self.raster.turn(whole)

    def _tile(self, box: Box) -> Tile:
        kept = box.kept(self.raster.within, self.view.halo)
        region = self.direct.covered(kept)
        return Tile(box, kept, region, None if self.whole else self.direct.lattice(box, region, self.view.spatial))


def _places(tile: Tile) -> Hashable:
    """Tell lattices apart: of one step, first place and length say all."""
    return tile.places and tuple((len(at), round(float(at[0]), 6) if len(at) else 0.0) for at in tile.places.axes)
