"""Output grids: the voxels of a synthesized image in voxel coordinates of its source."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import Box, Shape, triple
from anysyn.data.geometry.grid import Grid, check_grid
from anysyn.points import Lattice

APART = 0.05  # largest deviation, in voxels at the corners, of two grids that count as parallel


class Raster(NamedTuple):
    """The voxels of an output along the three axes of an input.

    Args:
        within: (X, Y, Z), shape of the input.
        axes: (n,) float64 each, increasing, in voxels of the input: 0 is the centre of the first one.
        step: Voxel edges of the output in voxels of the input.
        order: For each axis of the output's own array, the parallel axis of the input.
        flips: Axes of the input that the output's own array runs against.
    """

    within: Shape
    axes: tuple[Tensor, ...]
    step: tuple[float, ...]
    order: tuple[int, ...] = (0, 1, 2)
    flips: tuple[int, ...] = ()

    @classmethod
    def same(cls, shape: Shape) -> Raster:
        """Return the voxels of the input themselves."""
        return cls(shape, tuple(torch.arange(n).double() for n in shape), (1.0, 1.0, 1.0))

    @classmethod
    def between(cls, grid: Grid, onto: Grid) -> Raster:
        """Return the voxels of one grid in voxel coordinates of another.

        Args:
            grid: Of the input.
            onto: Of the output; its axes may be permuted and flipped.

        Raises:
            VolumeError: If the grids are rotated relative to each other, or the output does not fit into the memory.

        Example:
            >>> raster = Raster.between(Grid((4, 4, 4), np.eye(4)), Grid((8, 4, 4), np.diag([-0.5, 1, 1, 1])))
            >>> raster.step, raster.flips, raster.axes[0][-1].item()
            ((0.5, 1.0, 1.0), (0,), 0.0)
        """
        check_grid(onto, "the output", images=2)  # the sum of the tiles and that of their weights
        change = np.linalg.solve(grid.affine, onto.affine)  # output voxels to input voxels
        order = tuple(int(axis) for axis in np.abs(change[:3, :3]).argmax(0))
        along = np.zeros((3, 3))
        along[order, range(3)] = change[order, range(3)]
        apart = np.abs(change[:3, :3] - along) @ np.array(onto.shape)
        if sorted(order) != [0, 1, 2] or apart.max() > APART:
            raise VolumeError(
                "the output's grid is rotated relative to that of the prepared images; "
                "only the voxel size may be chosen, so remove steps that rotate images from data.prepare"
            )
        axes, steps, flips = list[Tensor](), list[float](), list[int]()
        for axis in range(3):
            own = order.index(axis)
            at = change[axis, 3] + change[axis, own] * torch.arange(onto.shape[own]).double()  # (n,)
            if change[axis, own] < 0:
                at, flips = at.flip(0), [*flips, axis]
            axes.append(at)
            steps.append(round(abs(float(change[axis, own])), 9))
        return cls(grid.shape, tuple(axes), tuple(steps), order, tuple(flips))

    @property
    def shape(self) -> Shape:
        """Return the shape of the output along the axes of the input."""
        return triple(map(len, self.axes))

    def same_along(self, axis: int) -> bool:
        """Tell whether the output has the voxels of the input along an axis of the input."""
        at, length = self.axes[axis], self.within[axis]
        return len(at) == length and torch.allclose(at, torch.arange(length).double(), rtol=0, atol=1e-4)

    def keeping(self, axes: Collection[int]) -> Raster:
        """Return a raster with the voxels of the input along some axes."""
        same = Raster.same(self.within)
        chosen = [same if axis in axes else self for axis in range(3)]
        return self._replace(
            axes=tuple(one.axes[axis] for axis, one in enumerate(chosen)),
            step=tuple(one.step[axis] for axis, one in enumerate(chosen)),
        )

    def covered(self, part: Box) -> Box:
        """Return the voxels of the output whose centres lie in a part of the input."""
        return Box.between(
            torch.searchsorted(at, torch.tensor([a - 0.5, a + n - 0.5], dtype=at.dtype)).tolist()
            for at, a, n in zip(self.axes, *part, strict=True)
        )

    def lattice(self, box: Box, region: Box, axes: Sequence[int]) -> Lattice:
        """Return voxels of the output as a lattice in a box of the input.

        Args:
            box: Of the input.
            region: Of the output.
            axes: The volume's axes that the network has, in its order.

        Example:
            >>> raster = Raster.between(Grid((4, 1, 1), np.eye(4)), Grid((2, 1, 1), np.diag([2.0, 1, 1, 1])))
            >>> raster.lattice(Box((0, 0, 0), (4, 1, 1)), Box((0, 0, 0), (2, 1, 1)), axes=[0])
            Lattice(axes=(tensor([-0.7500,  0.2500]),), step=(2.0,))
        """
        cut = [self.axes[a][region.start[a] : region.start[a] + region.size[a]] for a in axes]
        at = tuple(((u - box.start[a] + 0.5) / box.size[a] * 2 - 1).float() for a, u in zip(axes, cut, strict=True))
        return Lattice(at, tuple(self.step[a] for a in axes))

    def turn(self, images: Tensor) -> Tensor:
        """Permute and flip images (K, *shape) from the input's axes to those of the output's own array."""
        return images.flip([1 + axis for axis in self.flips]).permute(0, *(1 + axis for axis in self.order))
