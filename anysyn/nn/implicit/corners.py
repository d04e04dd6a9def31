"""The voxels around a place by the rule of linear interpolation, and a lattice cut into blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from anysyn.points import Lattice

TIE = 1e-6  # a place in [-1, 1] this near a voxel's centre is on it: float32 writes no centre worse than this


class Corners(NamedTuple):
    """Hold the two voxels around each place of one axis: side 0 below it, side 1 above.

    Args:
        cell: (2, n) int64, the voxels.
        offset: (2, n) from their centres to the place; a voxel is 2 wide, as in LIIF.
        weight: (2, n) of linear interpolation; the sides add up to 1.
    """

    cell: Tensor
    offset: Tensor
    weight: Tensor


class Side(NamedTuple):
    """Hold the voxel below, or above, those places of a stretch that it weighs anything for.

    Args:
        place: (m,) int64, which places of the stretch.
        cell: (m,) int64, the voxels, counted within the box.
        offset: (m,) from their centres to the place; a voxel is 2 wide.
        weight: (m,) of linear interpolation.
    """

    place: Tensor
    cell: Tensor
    offset: Tensor
    weight: Tensor


class Stretch(NamedTuple):
    """Hold neighbouring places of one axis of a lattice.

    Args:
        places: Which places of the axis they are.
        box: The voxels around them.
        sides: The voxels below them, and those above where these weigh anything for any of them.
        centred: Whether the places are the centres of the box's voxels, one after the other.
    """

    places: slice
    box: slice
    sides: tuple[Side, ...]
    centred: bool


def corners(at: Tensor, length: int) -> Corners:
    """Find the two voxels around each place of one axis.

    With ``u = (x + 1) n / 2 - 1 / 2`` and ``i = floor(u)`` they are i and i + 1, both kept inside the image, and weigh
    ``1 - (u - i)`` and ``u - i``. Where a place is on the centre of a voxel or beyond the outermost centres, both are
    the same voxel, and side 1 weighs exactly nothing.

    Args:
        at: (n,) in [-1, 1].
        length: Voxels of the axis.

    Example:
        >>> found = corners(torch.tensor([-0.5, 0.25]), length=4)  # u is 0.5 and 2
        >>> found.cell.tolist(), found.weight.tolist()
        ([[0, 2], [1, 2]], [[0.5, 1.0], [0.5, 0.0]])
    """
    u = (at + 1) * (length / 2) - 0.5  # (n,)
    near = u.round()
    on = (u - near).abs() <= TIE * length / 2
    low = torch.where(on, near, u.floor())
    cell = torch.stack([low, torch.where(on, low, low + 1)]).clamp(0, length - 1)  # (2, n)
    above = torch.where(cell[0] == cell[1], 0, u - low)  # (n,)
    return Corners(cell.long(), 2 * (u - cell), torch.stack([1 - above, above]))


def edges(shape: Sequence[int], most: int) -> tuple[int, ...]:
    """Choose the size of the blocks that a lattice is cut into: as cubic as can be, so that they share few voxels.

    Args:
        shape: Places along each axis.
        most: Places of a block at the most.

    Example:
        >>> edges((48, 48, 48), most=4096), edges((4, 100, 100), most=4096)
        ((16, 16, 16), (4, 25, 34))
    """
    chosen: dict[int, int] = {}
    for axis in sorted(range(len(shape)), key=lambda axis: shape[axis]):
        left = most // math.prod(chosen.values())
        longest = max(1, math.floor(left ** (1 / (len(shape) - len(chosen))) + 1e-9))
        chosen[axis] = math.ceil(shape[axis] / math.ceil(shape[axis] / longest))
    return tuple(chosen[axis] for axis in range(len(shape)))


def blocks(lattice: Lattice, size: Sequence[int], most: int, like: Tensor) -> Iterator[tuple[Stretch, ...]]:
    """Cut a lattice into blocks, each a stretch of every axis, and find the voxels around their places.

    The arithmetic is done once for each axis, in float64 on the CPU, where it also serves tensors without memory.

    Args:
        lattice: The places.
        size: Voxels of the image along each axis, *S.
        most: Places of a block at the most.
        like: What device and number format to answer in.

    Example:
        >>> from anysyn.points import lattice
        >>> [[stretch.box for stretch in block] for block in blocks(lattice([4], onto=[8]), [4], 4, torch.zeros(1))]
        [[slice(0, 3, None)], [slice(1, 4, None)]]
    """
    per_axis = zip(lattice.axes, size, edges(lattice.shape, most), strict=True)
    return itertools.product(*([*_stretches(*axis, like)] for axis in per_axis))


def _stretches(axis: Tensor, length: int, edge: int, like: Tensor) -> Iterator[Stretch]:
    whole = corners(axis.to("cpu", torch.float64), length)
    for start in range(0, len(axis), edge):
        places = slice(start, min(start + edge, len(axis)))
        around = Corners(*(part[:, places] for part in whole))  # (2, m) each
        box = slice(int(around.cell.min()), int(around.cell.max()) + 1)
        sides = [_side(Corners(*parts), box.start, like) for parts in zip(*around, strict=True)]
        centred = not around.weight[1].any() and around.cell[0].tolist() == [*range(box.start, box.stop)]
        yield Stretch(places, box, tuple(side for side in sides if len(side.place)), centred)


def _side(found: Corners, start: int, like: Tensor) -> Side:
    place = found.weight.nonzero().flatten()  # (m,)
    cell, offset, weight = (part[place] for part in found)  # (m,) each
    return Side(place.to(like.device), (cell - start).to(like.device), offset.to(like), weight.to(like))
