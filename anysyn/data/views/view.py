"""The contract of a view: which pieces of a volume a network sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Generator, Tensor

from anysyn.data.geometry.boxes import Box, cut
from anysyn.data.geometry.grid import Shape


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


@dataclass(frozen=True)
class Listed(Boxes):
    """List boxes of which nothing is left to chance.

    Args:
        listed: The boxes.
    """

    listed: Sequence[Box]

    def __len__(self) -> int:
        """Return how many there are in an epoch."""
        return len(self.listed)

    def draw(self, number: int, generator: Generator) -> Box:
        """Return one of them."""
        return self.listed[number]


class Observed(NamedTuple):
    """Carry what is shown of a box, and its truth at some places.

    Args:
        images: (M, *S), the box with fewer voxels.
        at: (Q, d) places in [-1, 1] from one end of the box to the other.
        step: (d,) edges of the box's voxels in those that are shown.
        values: (M, Q), the truth there.
    """

    images: Tensor
    at: Tensor
    step: Tensor
    values: Tensor


class View(ABC):
    """Say which pieces of a volume the network sees, and how their axes are ordered.

    A view sets ``dimensions`` (voxel axes of the network, 2 or 3), ``depth`` (slices stacked as channels; 1 otherwise)
    and ``axes`` (the volume's axes in the order of *S; slices count along the first one, and then drop it). At
    synthesis, neighbouring tiles share ``overlap`` of their length, and ``halo`` voxels at the ends of each are context
    whose answer is not used. Where ``points`` is above 0, a training sample is coarser than its truth (`observe`).
    """

    kind: ClassVar[str] = "view"
    dimensions: int
    depth: int = 1
    axes: tuple[int, int, int]
    overlap: float = 0.5
    halo: int = 0
    points: int = 0

    @property
    def spatial(self) -> tuple[int, ...]:
        """Return the axes of the volume that a sample has, in the order of *S; a single slice has no depth."""
        return self.axes if self.dimensions == 3 or self.depth > 1 else self.axes[1:]

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
    def cover(self, shape: Shape, overlap: float, halo: int | None = None) -> list[Box]:
        """List boxes of equal size that cover a volume.

        Args:
            shape: Voxels along X, Y, Z.
            overlap: Share of a box that its neighbour covers as well, from 0 to below 1.
            halo: Voxels at the ends of a box that a neighbour has to answer; those of the view by default.
        """

    def tiles(self, foreground: Tensor, overlap: float | None = None) -> list[Box]:
        """List boxes of equal size that cover the foreground of a volume; those that hold none of it are left out.

        Args:
            foreground: (X, Y, Z) bool.
            overlap: Share of a box that its neighbour covers as well, from 0 to below 1; by default the view's own, or
                more where that leaves no voxel between the halos without an answer.
        """
        x, y, z = foreground.shape
        boxes = self.cover((x, y, z), self.overlap) if overlap is None else self.cover((x, y, z), overlap, halo=0)
        return [box for box in boxes if foreground[box.inside(foreground.shape)].any()]

    def observe(self, images: Tensor, generator: Generator) -> Observed:
        """Say what the network is shown of a box, and where it is asked for the truth.

        Only a view with ``points`` does so; the samples of every other one are their own truth.

        Args:
            images: (M, *box), what `take` returned.
            generator: Decides where.
        """
        raise NotImplementedError

    def take(self, images: Tensor, box: Box, air: Tensor | None = None) -> Tensor:
        """Cut a box out of a volume as the network sees it.

        Args:
            images: (M, X, Y, Z).
            box: Which voxels.
            air: (M,) what fills the part of the box that is outside of the volume; 0 by default.

        Returns:
            (M, *S).
        """
        piece = cut(images, box, air).permute(0, *(axis + 1 for axis in self.axes))  # (M, a, b, c)
        return piece if len(self.spatial) == 3 else piece.squeeze(1)  # (M, *S)

    def give(self, answer: Tensor, box: Box) -> Tensor:
        """Turn what the network answered for a box back into the order of the volume's axes.

        Args:
            answer: (K, *S), or (K, *N) on a lattice.
            box: The box it was cut by, or the box of the output that the lattice covers.

        Returns:
            (K, *size of the box).
        """
        back = [self.axes.index(axis) + 1 for axis in range(3)]
        return answer.reshape(len(answer), *(box.size[axis] for axis in self.axes)).permute(0, *back)  # (K, x, y, z)
