"""Slices and slabs: whole planes for two-dimensional networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from anysyn.data.geometry.boxes import Box, centred, starts
from anysyn.data.geometry.grid import Shape
from anysyn.data.views.view import Boxes, Listed, View
from anysyn.registry import register

Axis = Literal["axial", "coronal", "sagittal"]
Place = Literal["centre", "random"]

_NORMAL: dict[Axis, int] = {"sagittal": 0, "coronal": 1, "axial": 2}  # the axis a slice is thin along, of RAS arrays


@dataclass(frozen=True, eq=False)
class InPlane(Listed):
    """Draw where in the plane each of some boxes lies: about a foreground voxel, shifted in where it reaches out.

    Args:
        normal: The axis that the boxes keep their place along.
        foreground: (X, Y, Z) bool.
    """

    normal: int
    foreground: Tensor

    def draw(self, number: int, generator: Generator) -> Box:
        """Return one of them."""
        start, size = self.listed[number]
        first = max(start[self.normal], 0)
        thick = self.foreground.narrow(self.normal, first, min(size[self.normal], self.foreground.shape[self.normal]))
        inside = thick.nonzero()  # (N, 3)
        about = inside[int(torch.randint(len(inside), (), generator=generator))].tolist()
        sides = zip(start, about, size, self.foreground.shape, strict=True)
        moved = [min(max(at - n // 2, 0), full - n) if n < full else old for old, at, n, full in sides]
        moved[self.normal] = start[self.normal]
        return Box((moved[0], moved[1], moved[2]), size)


class _Stacked(View):
    """Share what slices and slabs have in common: positions along one axis, the whole plane across it."""

    dimensions = 2

    def __init__(
        self,
        *,
        axis: Axis,
        size: tuple[int, int] | None = None,
        place: Place = "centre",
        min_foreground: float = 0.05,
        thickness: int = 1,
    ) -> None:
        if not 0 <= min_foreground <= 1:
            raise ValueError(f"view.min_foreground: {min_foreground} is not from 0 to 1 (a share of the fullest slice)")
        if size is not None and min(size) < 1:
            raise ValueError(f"view.size: {size} is not at least one voxel")
        normal = _NORMAL[axis]
        first, second = (other for other in range(3) if other != normal)
        self.axes = (normal, first, second)
        self.size, self.place, self.min_foreground, self.thickness = size, place, min_foreground, thickness

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the slice's size as asked for, or the largest of the cohort."""
        largest = [max(shape[axis] for shape in shapes) for axis in self.axes[1:]]
        return self._sides(self.thickness, *(self.size or largest))

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """List the boxes around each slice that has enough foreground, centred in the plane or about its foreground."""
        normal, first, second = self.axes
        shape = foreground.shape
        across = [centred(shape[axis], extent[axis]) for axis in (first, second)]
        enough = (profile >= max(1.0, self.min_foreground * float(profile.max()))).nonzero().flatten().tolist()
        half, last = self.thickness // 2, shape[normal] - self.thickness
        along = sorted({min(max(i - half, 0), last) for i in enough}) if last > 0 else [centred(last, 0)]
        listed = [Box(self._sides(start, *across), extent) for start in along]
        return Listed(listed) if self.place == "centre" else InPlane(listed, normal, foreground)

    def cover(self, shape: Shape, overlap: float, halo: int | None = None) -> list[Box]:
        """List the boxes along the axis of the slices, each with its whole plane."""
        normal, first, second = self.axes
        size = self._sides(self.thickness, shape[first], shape[second])
        return [Box(self._sides(i, 0, 0), size) for i in starts(shape[normal], self.thickness, overlap)]

    def _sides(self, *along: int) -> Shape:
        x, y, z = (along[self.axes.index(axis)] for axis in range(3))
        return x, y, z


@register("view", "slices")
class Slices(_Stacked):
    """Show single slices to a two-dimensional network.

    Args:
        axis: Orientation of the slices.
        size: Voxels of a training slice along its two axes, cropped or padded; by default the largest slice of the
            cohort. Synthesis takes slices whole, whatever this says.
        place: Where a crop lies: at the ``centre``, or at ``random``, anew in each epoch, about a foreground voxel.
        min_foreground: Foreground that a training slice needs, as a share of the fullest slice of its volume.

    Example:
        >>> import torch
        >>> view = Slices(axis="coronal")
        >>> box = view.cover((8, 5, 7), overlap=0.5)[2]
        >>> view.take(torch.rand(4, 8, 5, 7), box).shape
        torch.Size([4, 8, 7])
    """

    def __init__(
        self,
        *,
        axis: Axis = "axial",
        size: tuple[int, int] | None = None,
        place: Place = "centre",
        min_foreground: float = 0.05,
    ) -> None:
        super().__init__(axis=axis, size=size, place=place, min_foreground=min_foreground)


@register("view", "slabs")
class Slabs(_Stacked):
    """Show a few adjacent slices, as channels, to a two-dimensional network.

    Args:
        thickness: Slices of a slab.
        axis: Orientation of the slices.
        size: Voxels of a training slice along its two axes, cropped or padded; by default the largest slice of the
            cohort. Synthesis takes slices whole, whatever this says.
        place: Where a crop lies: at the ``centre``, or at ``random``, anew in each epoch, about a foreground voxel.
        min_foreground: Foreground that the middle slice needs, as a share of the fullest slice of its volume.

    Example:
        >>> import torch
        >>> view = Slabs(thickness=3)
        >>> view.take(torch.rand(4, 8, 9, 10), view.cover((8, 9, 10), overlap=0.5)[0]).shape
        torch.Size([4, 3, 8, 9])
    """

    def __init__(
        self,
        *,
        thickness: int = 3,
        axis: Axis = "axial",
        size: tuple[int, int] | None = None,
        place: Place = "centre",
        min_foreground: float = 0.05,
    ) -> None:
        if thickness < 1:
            raise ValueError(f"view.thickness: {thickness} is not at least one slice")
        super().__init__(axis=axis, size=size, place=place, min_foreground=min_foreground, thickness=thickness)
        self.depth = thickness
