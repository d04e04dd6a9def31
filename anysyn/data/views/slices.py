"""Slices and slabs, for two-dimensional networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from anysyn.bounds import Count, Share
from anysyn.data.geometry.boxes import Box, Shape, centred, starts, triple
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
        """Draw the position in the plane."""
        fixed, size = self.boxes[number]
        shape, normal = self.foreground.shape, self.normal
        inside = self.foreground.narrow(normal, max(fixed[normal], 0), min(size[normal], shape[normal])).nonzero()
        voxel = inside[int(torch.randint(len(inside), (), generator=generator))].tolist()
        start = list(Box.around(voxel, size, shape).start)
        start[normal] = fixed[normal]
        return Box(triple(start), size)


@dataclass(kw_only=True, eq=False)
class _Planes(View):
    """Base of slices and slabs: positions along one axis, the plane across it."""

    axis: Axis = "axial"
    size: tuple[Count, Count] | None = None
    place: Place = "centre"
    min_foreground: Share = 0.05
    dimensions = 2
    thickness = 1

    def __post_init__(self) -> None:
        share, normal = self.min_foreground, _NORMAL[self.axis]
        if not 0 <= share <= 1:
            raise ValueError(f"view.min_foreground: {share} is not from 0 to 1 (a share of the fullest slice)")
        if self.size is not None and min(self.size) < 1:
            raise ValueError(f"view.size: {self.size} is not at least one voxel")
        self.axes = triple((normal, *(axis for axis in range(3) if axis != normal)))

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the size of a training slice, by default the largest of the cohort."""
        largest = [max(shape[axis] for shape in shapes) for axis in self.axes[1:]]
        return self._sides(self.thickness, *(self.size or largest))

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """Return a box for each slice with enough foreground, centred in the plane or around its foreground."""
        normal, *plane = self.axes
        across = [centred(foreground.shape[axis], extent[axis]) for axis in plane]
        enough = (profile >= max(1.0, self.min_foreground * float(profile.max()))).nonzero().flatten().tolist()
        half, last = self.thickness // 2, foreground.shape[normal] - self.thickness
        along = sorted({min(max(i - half, 0), last) for i in enough}) if last > 0 else [centred(last, 0)]
        boxes = [Box(self._sides(start, *across), extent) for start in along]
        return FixedBoxes(boxes) if self.place == "centre" else RandomInPlane(boxes, normal, foreground)

    def cover(self, shape: Shape, overlap: float, halo: int | None = None) -> list[Box]:
        """List the boxes along the axis of the slices, each with the full plane."""
        normal, *plane = self.axes
        size = self._sides(self.thickness, *(shape[axis] for axis in plane))
        return [Box(self._sides(i, 0, 0), size) for i in starts(shape[normal], self.thickness, overlap)]

    def _sides(self, *along: int) -> Shape:
        return triple(along[self.axes.index(axis)] for axis in range(3))


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
@dataclass(kw_only=True, eq=False)
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

    thickness: Count = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.thickness < 1:
            raise ValueError(f"view.thickness: {self.thickness} is not at least one slice")
        self.depth = self.thickness
