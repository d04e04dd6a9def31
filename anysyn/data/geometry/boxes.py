"""Boxes of voxels: their intersection with a volume, their spacing, and cropping to them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from torch import Tensor

T = TypeVar("T")
Shape = tuple[int, int, int]


def triple(values: Iterable[T]) -> tuple[T, T, T]:
    """Return one value for each of three axes as a tuple of that length.

    Example:
        >>> triple(n + 1 for n in (4, 5, 6))
        (5, 6, 7)
    """
    x, y, z = values
    return x, y, z


class Box(NamedTuple):
    """A box of voxels: the first along X, Y, Z, and the size; it may extend beyond the volume."""

    start: Shape
    size: Shape

    @classmethod
    def between(cls, ends: Iterable[Sequence[int]]) -> Box:
        """Return the box from a first voxel to before a last one along each axis."""
        low, high = zip(*ends, strict=True)
        return cls(triple(low), triple(b - a for a, b in zip(low, high, strict=True)))

    @classmethod
    def around(cls, voxel: Sequence[int], size: Shape, shape: Sequence[int]) -> Box:
        """Return a box around a voxel, shifted to lie inside the volume; along an axis that it exceeds it is centred.

        Example:
            >>> Box.around((7, 3, 1), (4, 4, 4), (8, 8, 2)).start
            (4, 1, -1)
        """
        sides = zip(voxel, size, shape, strict=True)
        return cls(triple(min(max(v - n // 2, 0), m - n) if n <= m else centred(m, n) for v, n, m in sides), size)

    def inside(self, shape: Sequence[int]) -> tuple[slice, slice, slice]:
        """Return the slices of a volume that the box covers.

        Example:
            >>> box, shape = Box((-1, 2, 0), (4, 4, 4)), (8, 4, 4)
            >>> box.inside(shape)[0], box.covered(shape)[0]
            (slice(0, 3, None), slice(1, 4, None))
        """
        return triple(slice(max(a, 0), min(a + n, full)) for a, n, full in zip(*self, shape, strict=True))

    def common(self, other: Box) -> Box:
        """Return the part of the box that lies in another one, perhaps of no voxel.

        Example:
            >>> Box((0, 2, 4), (4, 4, 4)).common(Box((2, 0, 0), (4, 4, 4)))
            Box(start=(2, 2, 4), size=(2, 2, 0))
        """
        ends = zip(*self, *other, strict=True)
        return Box.between((max(a, b), max(a, b, min(a + n, b + m))) for a, n, b, m in ends)

    def covered(self, shape: Sequence[int]) -> tuple[slice, slice, slice]:
        """Return the slices of the box that lie in a volume."""
        return triple(slice(s.start - a, s.stop - a) for s, a in zip(self.inside(shape), self.start, strict=True))

    def kept(self, shape: Sequence[int], halo: int = 0) -> Box:
        """Return the part of the box that lies in a volume, without its halo; there is no halo at the volume's ends.

        Example:
            >>> Box((0, 4, -1), (4, 4, 4)).kept((8, 8, 2), halo=1)
            Box(start=(0, 5, 0), size=(3, 3, 2))
        """
        return Box.between(
            (a + halo if a > 0 else 0, a + n - halo if a + n < full else full)
            for a, n, full in zip(*self, shape, strict=True)
        )

    def of(self, part: Box) -> tuple[slice, slice, slice]:
        """Return the slices of the box that a part of it covers.

        Example:
            >>> Box((2, 2, 2), (4, 4, 4)).of(Box((3, 2, 2), (2, 4, 4)))[0]
            slice(1, 3, None)
        """
        return triple(slice(b - a, b - a + n) for a, b, n in zip(self.start, *part, strict=True))


def centred(length: int, size: int) -> int:
    """Return the start of a size centred on a length; negative if the size is larger.

    Example:
        >>> centred(10, 4), centred(4, 10)
        (3, -3)
    """
    return math.floor((length - size) / 2)


def starts(length: int, size: int, overlap: float) -> list[int]:
    """Return the starts of the fewest tiles that cover a length with at least a given overlap.

    Args:
        length: Voxels to cover.
        size: Voxels of a tile; one longer than the length is centred on it.
        overlap: Share of a tile that its neighbour covers as well, from 0 to below 1.

    Example:
        >>> starts(10, 4, 0.0), starts(10, 4, 0.5), starts(3, 4, 0.5)
        ([0, 3, 6], [0, 2, 4, 6], [-1])
    """
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap: {overlap} is not from 0 to below 1 (a share of the tile)")
    if length <= size:
        return [centred(length, size)]
    step = max(1, int(size * (1 - overlap)))
    steps = math.ceil((length - size) / step)
    return [round(i * (length - size) / steps) for i in range(steps + 1)]


def cut(images: Tensor, box: Box, air: Tensor | None = None) -> Tensor:
    """Crop images to a box and pad them if it extends beyond the volume; inside it, the result is a view.

    Args:
        images: (M, X, Y, Z).
        box: The voxels.
        air: (M,) padding values; 0 by default.

    Example:
        >>> import torch
        >>> cut(torch.ones(1, 2, 2, 2), Box((0, 0, 1), (2, 2, 2)))[0, 0]
        tensor([[1., 0.],
                [1., 0.]])
    """
    shape = images.shape[1:]
    part = images[(slice(None), *box.inside(shape))]
    if part.shape[1:] == box.size:
        return part  # (M, *size)
    fill = images.new_zeros(len(images)) if air is None else air.to(images)
    padded = fill.reshape(-1, 1, 1, 1).repeat(1, *box.size)  # (M, *size)
    padded[(slice(None), *box.covered(shape))] = part
    return padded
