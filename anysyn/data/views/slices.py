"""Slices and slabs, for two-dimensional networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from anysyn.data.geometry.boxes import Box, centred, starts
from anysyn.data.geometry.grid import Shape
from anysyn.data.views.view import Boxes, FixedBoxes, View
from anysyn.registry import register

Axis = Literal["axial", "coronal", "sagittal"]
Place = Literal["centre", "random"]

_NORMAL: dict[Axis, int] = {"sagittal": 0, "coronal": 1, "axial": 2}  # the array axis across a slice, in RAS


@dataclass(frozen=True, eq=False)
class RandomInPlane(FixedBoxes):
    """Boxes at random positions in their plane, around a foreground voxel, shifted to lie inside the volume.

    Args:
        normal: Axis across the planes, along which the boxes' positions are fixed.
        foreground: (X, Y, Z) bool.
    """

    normal: int
    foreground: Tensor

    def draw(self, number: int, generator: Generator) -> Box:
        """Draw the position in the plane of the box with this number."""
        start, size = self.boxes[number]
        first = max(start[self.normal], 0)
        thick = self.foreground.narrow(self.normal, first, min(size[self.normal], self.foreground.shape[self.normal]))
        inside = thick.nonzero()  # (N, 3)
        centre = inside[int(torch.randint(len(inside), (), generator=generator))].tolist()
        sides = zip(start, centre, size, self.foreground.shape, strict=True)
        moved = [min(max(at - n // 2, 0), full - n) if n < full else old for old, at, n, full in sides]
        moved[self.normal] = start[self.normal]
        return Box((moved[0], moved[1], moved[2]), size)


class _Planes(View):
    """Base of slices and slabs: positions along one axis, the plane across it."""

    dimensions = 2
    thickness = 1

    def __init__(
        self,
        *,
        axis: Axis = "axial",
        size: tuple[int, int] | None = None,
        place: Place = "centre",
        min_foreground: float = 0.05,
    ) -> None:
        if not 0 <= min_foreground <= 1:
            raise ValueError(f"view.min_foreground: {min_foreground} is not from 0 to 1 (a share of the fullest slice)")
        if size is not None and min(size) < 1:
            raise ValueError(f"view.size: {size} is not at least one voxel")
        normal = _NORMAL[axis]
        first, second = (other for other in range(3) if other != normal)
        self.axes = (normal, first, second)
        self.size, self.place, self.min_foreground = size, place, min_foreground

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the size of a training slice, by default the largest of the cohort."""
        largest = [max(shape[axis] for shape in shapes) for axis in self.axes[1:]]
        return self._sides(self.thickness, *(self.size or largest))

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """Return a box for each slice with enough foreground, centred in the plane or around its foreground."""
        normal, first, second = self.axes
        shape = foreground.shape
        across = [centred(shape[axis], extent[axis]) for axis in (first, second)]
        enough = (profile >= max(1.0, self.min_foreground * float(profile.max()))).nonzero().flatten().tolist()
        half, last = self.thickness // 2, shape[normal] - self.thickness
        along = sorted({min(max(i - half, 0), last) for i in enough}) if last > 0 else [centred(last, 0)]
        boxes = [Box(self._sides(start, *across), extent) for start in along]
        return FixedBoxes(boxes) if self.place == "centre" else RandomInPlane(boxes, normal, foreground)

    def cover(self, shape: Shape, overlap: float, halo: int | None = None) -> list[Box]:
        """List the boxes along the axis of the slices, each with the full plane."""
        normal, first, second = self.axes
        size = self._sides(self.thickness, shape[first], shape[second])
        return [Box(self._sides(i, 0, 0), size) for i in starts(shape[normal], self.thickness, overlap)]

    def _sides(self, *along: int) -> Shape:
        x, y, z = (along[self.axes.index(axis)] for axis in range(3))
        return x, y, z


@register("view", "slices")
class Slices(_Planes):
    """Single slices, for a two-dimensional network.

    Args:
        axis: Orientation of the slices.
        size: Voxels of a training slice along its two axes, cropped or padded; by default the largest slice of the
            cohort. Synthesis always takes whole slices.
        place: Position of a crop: the ``centre``, or ``random``, around a foreground voxel drawn in each epoch.
        min_foreground: Least foreground of a training slice, as a share of the slice of its volume with the most.

    Example:
        >>> import torch
        >>> view = Slices(axis="coronal")
        >>> box = view.cover((8, 5, 7), overlap=0.5)[2]
        >>> view.take(torch.rand(4, 8, 5, 7), box).shape
        torch.Size([4, 8, 7])
    """


@register("view", "slabs")
class Slabs(_Planes):
    """A few adjacent slices as channels, for a two-dimensional network.

    Args:
        thickness: Slices of a slab.
        axis: Orientation of the slices.
        size: Voxels of a training slice along its two axes, cropped or padded; by default the largest slice of the
            cohort. Synthesis always takes whole slices.
        place: Position of a crop: the ``centre``, or ``random``, around a foreground voxel drawn in each epoch.
        min_foreground: Least foreground of the middle slice, as a share of the slice of its volume with the most.

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
        super().__init__(axis=axis, size=size, place=place, min_foreground=min_foreground)
        self.depth = self.thickness = thickness
