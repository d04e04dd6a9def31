"""The voxels around a point, as linear interpolation uses them, and a lattice cut into blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from anysyn.points import Lattice

Padding = Literal["border", "zeros"]
TIE = 1e-6  # a point in [-1, 1] this close to a voxel's centre is on it: float32 rounds no centre by more


class Corners(NamedTuple):
    """The two voxels around each point of one axis: side 0 below it, side 1 above."""

    cell: Tensor  # (2, n) int64, the voxels
    offset: Tensor  # (2, n) from their centres to the point; a voxel is 2 wide, as in LIIF
    weight: Tensor  # (2, n) of linear interpolation; the sides sum to 1, with zeros beyond the border to less


class Side(NamedTuple):
    """The voxel below, or above, each point of a stretch at which its weight is not zero."""

    place: Tensor  # (m,) int64, points of the stretch
    cell: Tensor  # (m,) int64, the voxels, counted within the box
    offset: Tensor  # (m,) from their centres to the point; a voxel is 2 wide
    weight: Tensor  # (m,) of linear interpolation


class Stretch(NamedTuple):
    """Neighbouring points of one axis of a lattice."""

    places: slice  # of the axis
    box: slice  # the voxels around them
    sides: tuple[Side, ...]  # the voxels below them, and those above if any of these has a weight
    nearest: bool  # whether each point has the value of one voxel: that on whose centre, or beyond which, it lies
    centred: bool  # whether the points are the centres of the box's voxels, in order


def corners(at: Tensor, length: int, padding: Padding = "border") -> Corners:
    """Find the two voxels around each point of one axis.

    With ``u = (x + 1) n / 2 - 1 / 2`` and ``i = floor(u)`` they are i and i + 1, both clamped to the image, with the
    weights ``1 - (u - i)`` and ``u - i``. If a point is on a voxel's centre or beyond the outermost centres, both are
    the same voxel, and the weight of side 1 is exactly 0.

    Args:
        at: (n,) in [-1, 1].
        length: Voxels of the axis.
        padding: What lies beyond the outermost centres: the value at the border, or zeros one voxel further on.

    Example:
        >>> around = corners(torch.tensor([-0.5, 0.25]), length=4)  # u is 0.5 and 2
        >>> around.cell.tolist(), around.weight.tolist()
        ([[0, 2], [1, 2]], [[0.5, 1.0], [0.5, 0.0]])
    """
    u = (at + 1) * (length / 2) - 0.5  # (n,)
    near = u.round()
    on = (u - near).abs() <= TIE * length / 2
    low = torch.where(on, near, u.floor())
    cell = torch.stack([low, torch.where(on, low, low + 1)]).clamp(0, length - 1)  # (2, n)
    above = torch.where(cell[0] == cell[1], 0, u - low)  # (n,)
    beyond = (u - u.clamp(0, length - 1)).abs() if padding == "zeros" else 0  # at most half a voxel
    return Corners(cell.long(), 2 * (u - cell), torch.stack([1 - above - beyond, above]))


def block_shape(shape: Sequence[int], most: int) -> tuple[int, ...]:
    """Choose the shape of the blocks that a lattice is cut into: nearly cubic, so that they share few voxels.

    Args:
        shape: Points along each axis.
        most: Largest number of points in a block.

    Example:
        >>> block_shape((48, 48, 48), most=4096), block_shape((4, 100, 100), most=4096)
        ((16, 16, 16), (4, 25, 34))
    """
    chosen: dict[int, int] = {}
    for axis in sorted(range(len(shape)), key=lambda axis: shape[axis]):
        left = most // math.prod(chosen.values())
        longest = max(1, math.floor(left ** (1 / (len(shape) - len(chosen))) + 1e-9))
        chosen[axis] = math.ceil(shape[axis] / math.ceil(shape[axis] / longest))
    return tuple(chosen[axis] for axis in range(len(shape)))


def blocks(
    lattice: Lattice, size: Sequence[int], most: int, like: Tensor, padding: Padding = "border"
) -> Iterator[tuple[Stretch, ...]]:
    """Cut a lattice into blocks, each a stretch of every axis, and find the voxels around their points.

    Computed once for each axis, in float64 on the CPU, and so also for features on the meta device.

    Args:
        lattice: The points.
        size: Voxels of the image along each axis, *S.
        most: Largest number of points in a block.
        like: Tensor with the device and dtype of the result.
        padding: As in `corners`.

    Example:
        >>> from anysyn.points import lattice
        >>> [[stretch.box for stretch in block] for block in blocks(lattice([4], onto=[8]), [4], 4, torch.zeros(1))]
        [[slice(0, 3, None)], [slice(1, 4, None)]]
    """
    per_axis = zip(lattice.axes, size, block_shape(lattice.shape, most), strict=True)
    return itertools.product(*([*_stretches(*axis, like, padding)] for axis in per_axis))


def _stretches(axis: Tensor, length: int, edge: int, like: Tensor, padding: Padding) -> Iterator[Stretch]:
    of_axis = corners(axis.to("cpu", torch.float64), length, padding)
    for start in range(0, len(axis), edge):
        places = slice(start, min(start + edge, len(axis)))
        around = Corners(*(part[:, places] for part in of_axis))  # (2, m) each
        box = slice(int(around.cell.min()), int(around.cell.max()) + 1)
        sides = [_side(Corners(*parts), box.start, like) for parts in zip(*around, strict=True)]
        nearest = bool((around.weight[0] == 1).all())
        centred = nearest and around.cell[0].tolist() == [*range(box.start, box.stop)]
        yield Stretch(places, box, tuple(side for side in sides if len(side.place)), nearest, centred)


def _side(around: Corners, start: int, like: Tensor) -> Side:
    place = around.weight.nonzero().flatten()  # (m,)
    cell, offset, weight = (part[place] for part in around)  # (m,) each
    return Side(place.to(like.device), (cell - start).to(like.device), offset.to(like), weight.to(like))
