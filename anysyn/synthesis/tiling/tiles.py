"""Tiles: the part of the input that each reads, the part of the output that it covers, and their assembly."""

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
from anysyn.synthesis.tiling.tile_blending import BlendedTiles


class Tile(NamedTuple):
    """A piece of the input and the voxels of the output that are synthesized from it.

    Args:
        box: The part of the input that the network reads.
        kept: The part of the box for which the synthesis is used: the box without its halo.
        region: The voxels of the output in that part.
        places: Where they lie in the box; None if the network synthesizes all of the box's own voxels.
    """

    box: Box
    kept: Box
    region: Box
    places: Lattice | None

    def on_output(self, view: View, images: Tensor) -> Tensor:
        """Cut and turn synthesized images, (K, *S) or (K, *N), to (K, *region.size)."""
        if self.places is not None:
            return view.give(images, self.region)
        return view.give(images, self.box)[(slice(None), *self.box.of(self.kept))]


class TiledOutput:
    """Images on any grid, assembled from the tiles of a view.

    Along an axis that the network sees and that does not get coarser, the network decodes at the output's voxels.
    Along the slice axis of a view in slices, or an axis that gets coarser, it decodes at the input's voxels, and the
    result is resampled linearly, with a Gaussian against aliasing.

    Args:
        view: How the input is cut into tiles.
        raster: Where the output's voxels lie among those of the input.
        air: (K,) value of each image outside all tiles.
        pointwise: Whether the network decodes each point independently, so that the halo need not be decoded.

    Example:
        >>> import torch
        >>> from anysyn.data.views import Slices
        >>> output = TiledOutput(Slices(), Raster.same((4, 5, 6)), torch.zeros(1))
        >>> [len(tiles) for tiles in output.tiles(torch.ones(4, 5, 6, dtype=torch.bool), most=4)]
        [4, 2]
    """

    def __init__(self, view: View, raster: Raster, air: Tensor, pointwise: bool = False) -> None:
        self.view, self.raster, self.air = view, raster, air
        changed = [axis for axis in range(3) if not raster.same_along(axis)]
        self.later = [axis for axis in changed if axis not in view.spatial or raster.step[axis] > 1]
        self.direct = raster.keeping(self.later)
        self.blended = BlendedTiles(self.direct, air)
        own = all(self.direct.same_along(axis) for axis in range(3))
        self.whole = own and not (pointwise and view.halo)

    def tiles(self, foreground: Tensor, most: int) -> Iterator[list[Tile]]:
        """Yield the tiles that contain foreground (X, Y, Z), in groups of at most some with the same places."""
        groups = defaultdict[Hashable, list[Tile]](list)
        for tile in map(self._tile, self.view.tiles(foreground)):
            groups[_places(tile)].append(tile)
        for tiles in groups.values():
            yield from (tiles[first : first + most] for first in range(0, len(tiles), most))

    def spacing(self, grid: Grid) -> tuple[float, float, float]:
        """Return the voxel edge lengths in mm at which the network decodes an input on a grid, as a record has them."""
        edges = (edge * step for edge, step in zip(grid.spacing, self.direct.step, strict=True))
        return grid.by_anatomy([round(edge, 4) for edge in edges])

    def put(self, tile: Tile, images: Tensor) -> None:
        """Add the synthesized images of a tile, (K, *S) or (K, *N)."""
        self.blended.put(tile.kept, tile.on_output(self.view, images))

    def images(self) -> Tensor:
        """Return the images (K, *N) in the axis order of the output's file."""
        whole, air = self.blended.images(), self.air.reshape(-1, 1, 1, 1)
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
    """Return what identifies the lattice of a tile: as all have one step, its first place and length."""
    return tile.places and tuple((len(at), round(float(at[0]), 6) if len(at) else 0.0) for at in tile.places.axes)
