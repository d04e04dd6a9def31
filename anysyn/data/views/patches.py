"""Patches: blocks of a volume for three-dimensional networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from anysyn.bounds import Count, ShareBelowOne, WholeNumber
from anysyn.data.geometry.boxes import Box, Shape, starts, triple
from anysyn.data.views.view import Boxes, View
from anysyn.registry import register


@register("view", "patches")
class Patches(View):
    """Patches around random foreground voxels, for a three-dimensional network.

    Args:
        size: Voxels of a patch along its three axes; a smaller volume is padded.
        per_volume: Patches drawn from each volume in an epoch.
        overlap: At synthesis, the share of a patch that its neighbour covers as well, where the two are blended.
        halo: At synthesis, voxels at the ends of a patch whose output is discarded, except at the volume's own ends;
            tiles are seamless if this is the network's receptive field to one side.

    Example:
        >>> view = Patches(size=(4, 4, 4))
        >>> [box.start for box in view.cover((6, 4, 3), overlap=0.5)]
        [(0, 0, -1), (2, 0, -1)]
        >>> len(Patches(size=(60, 60, 60)).cover((160, 192, 160), overlap=0.25))
        64
    """

    dimensions = 3
    axes = (0, 1, 2)
    edge = 32

    def __init__(
        self,
        *,
        size: tuple[Count, Count, Count],
        per_volume: Count = 8,
        overlap: ShareBelowOne = 0.25,
        halo: WholeNumber = 0,
    ) -> None:
        if min(size) < 1 or per_volume < 1:
            raise ValueError(f"view: size {size} and per_volume {per_volume} must be at least 1")
        if not 0 <= overlap < 1:
            raise ValueError(f"view.overlap: {overlap} is not from 0 to below 1 (a share of the patch)")
        if not 0 <= 2 * halo < min(size):
            raise ValueError(f"view.halo: {halo} leaves nothing of a patch of {size}; it is cut from both its ends")
        self.size, self.per_volume, self.overlap, self.halo = triple(size), per_volume, overlap, halo

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the size of a patch."""
        return self.size

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """Return ``per_volume`` random patches."""
        return ForegroundBoxes(foreground, profile.cumsum(0), extent, self.per_volume)

    def cover(self, shape: Shape, overlap: float, halo: int | None = None) -> list[Box]:
        """List the patches of a regular lattice."""
        lost = 2 * (self.halo if halo is None else halo)
        along = [starts(length, size, max(overlap, lost / size)) for length, size in zip(shape, self.size, strict=True)]
        return [Box((x, y, z), self.size) for x in along[0] for y in along[1] for z in along[2]]


@dataclass(frozen=True, eq=False)
class ForegroundBoxes(Boxes):
    """Random boxes around foreground voxels, all equally likely, shifted to lie inside the volume.

    Args:
        foreground: (X, Y, Z) bool.
        cumulated: (X,) foreground voxels up to and including each plane.
        extent: Voxels of a box.
        number: Boxes in an epoch.
    """

    foreground: Tensor
    cumulated: Tensor
    extent: Shape
    number: int

    def __len__(self) -> int:
        return self.number

    def draw(self, number: int, generator: Generator) -> Box:
        """Draw one box."""
        size = self._size(generator)
        rank = int(torch.randint(int(self.cumulated[-1]), (), generator=generator))
        plane = int(torch.searchsorted(self.cumulated, rank, right=True))
        before = int(self.cumulated[plane - 1]) if plane else 0
        y, z = self.foreground[plane].nonzero()[rank - before].tolist()
        return Box.around((plane, y, z), size, self.foreground.shape)

    def _size(self, generator: Generator) -> Shape:
        return self.extent
