"""The contract of a view: the pieces of a volume that a network takes, in training and at synthesis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Generator, Tensor

from anysyn.data.geometry.boxes import Box, Shape, cut, triple


class Boxes(ABC):
    """The boxes of one volume in training."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of boxes in an epoch."""

    @abstractmethod
    def draw(self, number: int, generator: Generator) -> Box:
        """Return the box with this number, from 0 to below the length; the generator draws random positions."""


@dataclass(frozen=True)
class FixedBoxes(Boxes):
    """Boxes at fixed positions."""

    boxes: Sequence[Box]

    def __len__(self) -> int:
        return len(self.boxes)

    def draw(self, number: int, generator: Generator) -> Box:
        """Return the box with this number."""
        return self.boxes[number]


class Observed(NamedTuple):
    """A low-resolution input and its high-resolution target at some points.

    Args:
        images: (M, *S), the box, downsampled.
        at: (Q, d) points in [-1, 1] from one end of the box to the other.
        step: (d,) voxel edges of the box in voxels of the input.
        values: (M, Q), the target at the points.
    """

    images: Tensor
    at: Tensor
    step: Tensor
    values: Tensor


class Layout(NamedTuple):
    """How volumes are stored for a view, so that little more is unpacked than it reads.

    Args:
        axes: Order of the axes.
        edge: Voxels along each side of the bricks; 0 for slices along ``axes[0]``.
        compressed: Whether the bricks are; else each image is one.
    """

    axes: tuple[int, int, int]
    edge: int = 0
    compressed: bool = True

    def brick(self, shape: Shape) -> Shape:
        """Return the voxels of a brick of volumes that have this shape, in the order of the axes.

        Example:
            >>> Layout((2, 0, 1)).brick((30, 40, 50)), Layout((2, 0, 1), edge=32).brick((30, 40, 50))
            ((1, 40, 50), (30, 32, 32))
        """
        if not self.compressed:
            return shape
        return triple(min(self.edge, length) for length in shape) if self.edge else (1, *shape[1:])


class View(ABC):
    """The pieces of a volume that the network takes, and the order of their axes.

    A view sets ``dimensions`` (voxel axes of the network, 2 or 3), ``depth`` (slices stacked as channels; 1 otherwise)
    and ``axes`` (the volume's axes in the order of *S; slices are counted along the first one, which they drop). At
    synthesis, neighbouring tiles share ``overlap`` of their length, and ``halo`` voxels at the ends of each are context
    whose output is discarded. If ``points`` is above 0, the inputs of training are coarser than the targets
    (`observe`).
    """

    kind: ClassVar[str] = "view"
    dimensions: int
    depth: int = 1
    axes: tuple[int, int, int]
    overlap: float = 0.5
    halo: int = 0
    points: int = 0
    edge: int = 0  # of the bricks that volumes are stored in; 0 for slices
    block: int = 1  # voxels along each side that become one, their mean, before a volume is stored

    @property
    def spatial(self) -> tuple[int, ...]:
        """Return the volume's axes in a sample, in the order of *S; a single slice has no depth."""
        return self.axes if self.dimensions == 3 or self.depth > 1 else self.axes[1:]

    @property
    def layout(self) -> Layout:
        """Return how volumes are stored for it; means of blocks are few, and read whole."""
        return Layout(self.axes, self.edge, compressed=self.block == 1)

    @abstractmethod
    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the size of a training sample along X, Y, Z, for a cohort with these shapes."""

    @abstractmethod
    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """Return the boxes of a volume in training.

        Args:
            foreground: (X, Y, Z) bool.
            profile: (n,) int64, foreground voxels at each position along ``axes[0]``.
            extent: Size of a training sample, from `extent`.
        """

    @abstractmethod
    def cover(self, shape: Shape, overlap: float, halo: int | None = None) -> list[Box]:
        """List boxes of equal size that cover a volume.

        Args:
            shape: Voxels along X, Y, Z.
            overlap: Share of a box that its neighbour covers as well, from 0 to below 1.
            halo: Voxels at the ends of a box that a neighbour must cover; the view's own by default.
        """

    def tiles(self, foreground: Tensor, overlap: float | None = None) -> list[Box]:
        """List boxes of equal size that cover the foreground of a volume, without those that contain none of it.

        Args:
            foreground: (X, Y, Z) bool.
            overlap: As for `cover`; by default the view's own, or more if the halos require it.
        """
        shape = triple(foreground.shape)
        boxes = self.cover(shape, self.overlap) if overlap is None else self.cover(shape, overlap, halo=0)
        return [box for box in boxes if foreground[box.inside(foreground.shape)].any()]

    def only_box(self, shape: Shape, extent: Shape) -> Box | None:
        """Return the box of a volume that every sample of it shows, whatever the chance; None if there are others.

        What is cut then is done once, and stored: `anysyn.data.loading.shown`.
        """
        return None

    def observe(self, images: Tensor, generator: Generator) -> Observed:
        """Return a low-resolution input and random target points of images (M, *box); only with ``points``."""
        raise NotImplementedError

    def take(self, images: Tensor, box: Box, air: Tensor | None = None) -> Tensor:
        """Crop images (M, X, Y, Z) to a box, with the axes in the network's order: (M, *S).

        Args:
            images: (M, X, Y, Z).
            box: The voxels.
            air: (M,) padding values outside the volume; 0 by default.
        """
        piece = cut(images, box, air).permute(0, *(axis + 1 for axis in self.axes))  # (M, a, b, c)
        return piece if len(self.spatial) == 3 else piece.squeeze(1)  # (M, *S)

    def give(self, answer: Tensor, box: Box) -> Tensor:
        """Return the network's output for a box in the order of the volume's axes: (K, *size of the box).

        Args:
            answer: (K, *S), or (K, *N) on a lattice.
            box: The box of the input, or the box of the output that the lattice covers.
        """
        back = [self.axes.index(axis) + 1 for axis in range(3)]
        return answer.reshape(len(answer), *(box.size[axis] for axis in self.axes)).permute(0, *back)  # (K, x, y, z)
