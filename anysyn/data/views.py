"""Views: the pieces of a volume that a network sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from anysyn.data.boxes import Box, centred, cut, starts
from anysyn.data.grid import Shape
from anysyn.registry import register

Axis = Literal["axial", "coronal", "sagittal"]

_NORMAL: dict[Axis, int] = {"sagittal": 0, "coronal": 1, "axial": 2}  # the axis a slice is thin along, of RAS arrays


class Boxes(ABC):
    """List the boxes of one volume that training sees."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many there are in an epoch."""

    @abstractmethod
    def draw(self, number: int, generator: Generator) -> Box:
        """Return one of them.

        Args:
            number: From 0 to below the length.
            generator: Decides where the box lies, if that is left to chance.
        """


class View(ABC):
    """Say which pieces of a volume the network sees, and how their axes are ordered.

    A view sets ``dimensions`` (voxel axes of the network, 2 or 3), ``depth`` (slices stacked as channels; 1 otherwise)
    and ``axes`` (the volume's axes in the order of *S; slices count along the first one, and then drop it).
    """

    kind: ClassVar[str] = "view"
    dimensions: int
    depth: int = 1
    axes: tuple[int, int, int]

    @property
    def spatial(self) -> tuple[int, ...]:
        """Return the axes of the volume that a sample has, in the order of *S."""
        return self.axes

    @abstractmethod
    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the voxels of a training sample along X, Y, Z, for a cohort of these shapes."""

    @abstractmethod
    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """List the boxes of a volume that training sees.

        Args:
            foreground: (X, Y, Z) bool.
            profile: (n,) int64, foreground voxels at each position along ``axes[0]``.
            extent: What `extent` returned.
        """

    @abstractmethod
    def cover(self, shape: Shape, overlap: float) -> list[Box]:
        """List boxes of equal size that cover a volume.

        Args:
            shape: Voxels along X, Y, Z.
            overlap: Share of a box that its neighbour covers as well, from 0 to below 1.
        """

    def tiles(self, foreground: Tensor, overlap: float = 0.5) -> list[Box]:
        """List boxes of equal size that cover the foreground of a volume; those that hold none of it are left out.

        Args:
            foreground: (X, Y, Z) bool.
            overlap: Share of a box that its neighbour covers as well, from 0 to below 1.
        """
        x, y, z = foreground.shape
        return [box for box in self.cover((x, y, z), overlap) if foreground[box.inside(foreground.shape)].any()]

    def take(self, images: Tensor, box: Box, air: Tensor | None = None) -> Tensor:
        """Cut a box out of a volume as the network sees it.

        Args:
            images: (M, X, Y, Z).
            box: Which voxels.
            air: (M,) what fills the part of the box that is outside of the volume; 0 by default.

        Returns:
            (M, *S).
        """
        return cut(images, box, air).permute(0, *(axis + 1 for axis in self.axes))  # (M, *S)

    def give(self, answer: Tensor, box: Box) -> Tensor:
        """Turn what the network answered for a box back into the order of the volume's axes.

        Args:
            answer: (K, *S).
            box: The box it was cut by.

        Returns:
            (K, *size of the box).
        """
        back = [self.axes.index(axis) + 1 for axis in range(3)]
        return answer.reshape(len(answer), *(box.size[axis] for axis in self.axes)).permute(0, *back)  # (K, x, y, z)


@dataclass(frozen=True)
class _Listed(Boxes):
    listed: Sequence[Box]

    def __len__(self) -> int:
        return len(self.listed)

    def draw(self, number: int, generator: Generator) -> Box:
        return self.listed[number]


class _Stacked(View):
    """Share what slices and slabs have in common: positions along one axis, the whole plane across it."""

    dimensions = 2

    def __init__(self, axis: Axis, size: tuple[int, int] | None, min_foreground: float, thickness: int) -> None:
        if not 0 <= min_foreground <= 1:
            raise ValueError(f"view.min_foreground: {min_foreground} is not from 0 to 1 (a share of the fullest slice)")
        if size is not None and min(size) < 1:
            raise ValueError(f"view.size: {size} is not at least one voxel")
        normal = _NORMAL[axis]
        first, second = (other for other in range(3) if other != normal)
        self.axes = (normal, first, second)
        self.size, self.min_foreground, self.thickness = size, min_foreground, thickness

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the slice's size as asked for, or the largest of the cohort."""
        largest = [max(shape[axis] for shape in shapes) for axis in self.axes[1:]]
        return self._sides(self.thickness, *(self.size or largest))

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """List the boxes around each slice that has enough foreground, centred in the plane."""
        normal, first, second = self.axes
        shape = foreground.shape
        across = [centred(shape[axis], extent[axis]) for axis in (first, second)]
        enough = (profile >= max(1.0, self.min_foreground * float(profile.max()))).nonzero().flatten().tolist()
        half, last = self.thickness // 2, shape[normal] - self.thickness
        along = sorted({min(max(i - half, 0), last) for i in enough}) if last > 0 else [centred(last, 0)]
        return _Listed([Box(self._sides(start, *across), extent) for start in along])

    def cover(self, shape: Shape, overlap: float) -> list[Box]:
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
        size: Voxels of a training slice along its two axes, cropped or padded about the centre; by default the largest
            slice of the cohort. Synthesis takes slices whole, whatever this says.
        min_foreground: Foreground that a training slice needs, as a share of the fullest slice of its volume.

    Example:
        >>> view = Slices(axis="coronal")
        >>> box = view.cover((8, 5, 7), overlap=0.5)[2]
        >>> view.take(torch.rand(4, 8, 5, 7), box).shape
        torch.Size([4, 8, 7])
    """

    def __init__(
        self, *, axis: Axis = "axial", size: tuple[int, int] | None = None, min_foreground: float = 0.05
    ) -> None:
        super().__init__(axis, size, min_foreground, thickness=1)

    @property
    def spatial(self) -> tuple[int, ...]:
        """Return the two axes of the plane."""
        return self.axes[1:]

    def take(self, images: Tensor, box: Box, air: Tensor | None = None) -> Tensor:
        """Cut a slice out of a volume: (M, X, Y, Z) to (M, H, W)."""
        return super().take(images, box, air).squeeze(1)  # (M, H, W)


@register("view", "slabs")
class Slabs(_Stacked):
    """Show a few adjacent slices, as channels, to a two-dimensional network.

    Args:
        thickness: Slices of a slab.
        axis: Orientation of the slices.
        size: Voxels of a training slice along its two axes, cropped or padded about the centre; by default the largest
            slice of the cohort. Synthesis takes slices whole, whatever this says.
        min_foreground: Foreground that the middle slice needs, as a share of the fullest slice of its volume.

    Example:
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
        min_foreground: float = 0.05,
    ) -> None:
        if thickness < 1:
            raise ValueError(f"view.thickness: {thickness} is not at least one slice")
        super().__init__(axis, size, min_foreground, thickness)
        self.depth = thickness


@register("view", "patches")
class Patches(View):
    """Show blocks at random places of the foreground to a three-dimensional network.

    Args:
        size: Voxels of a block along its three axes; a volume that is smaller is padded.
        per_volume: Blocks drawn from each volume in an epoch.

    Example:
        >>> view = Patches(size=(4, 4, 4))
        >>> [box.start for box in view.cover((6, 4, 3), overlap=0.5)]
        [(0, 0, -1), (2, 0, -1)]
    """

    dimensions = 3
    axes = (0, 1, 2)

    def __init__(self, *, size: tuple[int, int, int], per_volume: int = 8) -> None:
        if min(size) < 1 or per_volume < 1:
            raise ValueError(f"view: size {size} and per_volume {per_volume} must be at least 1")
        x, y, z = size
        self.size, self.per_volume = (x, y, z), per_volume

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the size of a block."""
        return self.size

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """List as many random blocks as asked for."""
        return _Around(foreground, profile.cumsum(0), extent, self.per_volume)

    def cover(self, shape: Shape, overlap: float) -> list[Box]:
        """List the blocks of a regular lattice."""
        along = [starts(length, size, overlap) for length, size in zip(shape, self.size, strict=True)]
        return [Box((x, y, z), self.size) for x in along[0] for y in along[1] for z in along[2]]


@dataclass(frozen=True, eq=False)
class _Around(Boxes):
    """Draw boxes about foreground voxels, all equally likely, shifted into the volume where they reach out of it."""

    foreground: Tensor
    cumulated: Tensor  # (X,) foreground voxels up to and including each plane
    extent: Shape
    number: int

    def __len__(self) -> int:
        return self.number

    def draw(self, number: int, generator: Generator) -> Box:
        rank = int(torch.randint(int(self.cumulated[-1]), (), generator=generator))
        plane = int(torch.searchsorted(self.cumulated, rank, right=True))
        before = int(self.cumulated[plane - 1]) if plane else 0
        y, z = self.foreground[plane].nonzero()[rank - before].tolist()
        sides = zip((plane, y, z), self.extent, self.foreground.shape, strict=True)
        x, y, z = (min(max(at - n // 2, 0), full - n) if n <= full else centred(full, n) for at, n, full in sides)
        return Box((x, y, z), self.extent)
