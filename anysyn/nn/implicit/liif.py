"""The local implicit image function (LIIF), evaluated exactly but with far less work than as it is written.

As written (Chen et al., CVPR 2021, Eqs. 2 to 4): around each place lie 2^d voxels, the members of the local ensemble.
For each member a perceptron reads the unfolded features of that voxel (3^d C numbers), the offset of the place from its
centre, and the cell, which is the size of the voxel that is asked for; the answers are weighed by the areas opposite.

Here, with the same weights and the same answer:

- The first layer is linear in [unfolded features, offset, cell]. Its first part is a convolution of the low-resolution
  grid, done once for each of its voxels and then gathered at the members; the cell adds one vector; the offset adds one
  vector for each axis, which on a lattice is a table for each axis.
- The members come from integer arithmetic (`anysyn.nn.implicit.corners`), and those of weight zero are left out. On a
  lattice they are the same for whole axes: at the size of the image seven of eight, and beyond the outermost
  centres half.
- The last layer and the weighted sum are both linear, so they can change places: the layer first, as it leaves one
  number of hundreds to weigh.
- A chunk of places at a time is in memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from anysyn.nn.implicit.corners import Corners, Side, blocks, corners
from anysyn.nn.mlp import MLP
from anysyn.points import Lattice, Places

Member = Callable[..., Tensor]


def liif_inputs(channels: int, dimensions: int) -> int:
    """Count what the perceptron reads: the unfolded features, the offset and the cell.

    Example:
        >>> liif_inputs(64, dimensions=2), liif_inputs(64, dimensions=3)
        (580, 1734)
    """
    return int(3**dimensions) * channels + 2 * dimensions


def liif(features: Tensor, mlp: MLP, places: Places, *, chunk: int, recompute: bool = False) -> Tensor:
    """Evaluate the local implicit image function at places.

    Args:
        features: (B, C, *S) with d voxel axes.
        mlp: Reads [unfolded features, channel by channel; offset; cell] and gives O numbers.
        places: Where to answer; their step counts voxels of the features.
        chunk: Places at a time, over all samples.
        recompute: Compute each chunk again in the backward pass rather than keep what it needs.

    Returns:
        (B, O, Q) at points, (B, O, *N) on a lattice.

    Example:
        >>> from anysyn.points import lattice
        >>> mlp = MLP(liif_inputs(8, dimensions=2), [16, 16], 1)
        >>> liif(torch.rand(3, 8, 5, 6), mlp, lattice([5, 6], onto=[10, 9]), chunk=100).shape
        torch.Size([3, 1, 10, 9])
    """
    grid, steer = _first_layer(features, mlp, places.step)  # (B, *S, H), (d, H)
    of_block, of_rows = partial(_of_block, mlp, steer), partial(_of_rows, mlp, steer)
    if recompute:
        of_block, of_rows = (partial(checkpoint, member, use_reentrant=False) for member in (of_block, of_rows))
    if isinstance(places, Lattice):
        return _on_lattice(grid, of_block, places, mlp.outputs, chunk)
    return _at_points(grid, of_rows, places.at, mlp.outputs, chunk)


def _first_layer(features: Tensor, mlp: MLP, step: Tensor | Sequence[float]) -> tuple[Tensor, Tensor]:
    """Apply what the places do not change, and return what the offset is multiplied by."""
    channels, dims = features.shape[1], features.ndim - 2
    read: int = 3**dims * channels
    unfolded, offset, cell = mlp.first.weight.tensor_split((read, read + dims), dim=1)  # (H, ...) each
    convolve = {2: F.conv2d, 3: F.conv3d}[dims]
    kernel = unfolded.reshape(-1, channels, *(3,) * dims)  # (H, C, 3, 3[, 3])
    grid = convolve(features, kernel, mlp.first.bias, padding=1)  # (B, H, *S)
    size = 2 * torch.as_tensor(step, dtype=cell.dtype, device=cell.device).reshape(-1, dims) @ cell.T  # (B or 1, H)
    return grid.movedim(1, -1).contiguous().add_(size.reshape(len(size), *(1,) * dims, -1)), offset.T


def _blank(grid: Tensor, *shape: int) -> Tensor:
    return grid.new_zeros(shape, dtype=torch.promote_types(grid.dtype, torch.float32))  # members add up in float32


def _on_lattice(grid: Tensor, member: Member, lattice: Lattice, outputs: int, chunk: int) -> Tensor:
    samples, *size, _ = grid.shape
    answer = _blank(grid, samples, *lattice.shape, outputs)  # (B, *N, O)
    for block in blocks(lattice, size, max(1, chunk // samples), grid):
        box = grid[:, *(stretch.box for stretch in block)]  # (B, *S of the box, H)
        part = answer[:, *(stretch.places for stretch in block)]  # (B, *N of the block, O)
        for sides in itertools.product(*(stretch.sides for stretch in block)):
            where = torch.meshgrid(*(side.place for side in sides), indexing="ij")
            index: tuple[slice | Tensor, ...] = (slice(None), *where)
            part[index] += member(box, sides)  # (B, *N of the member, O)
    return answer.movedim(-1, 1)  # (B, O, *N)


def _of_block(mlp: MLP, steer: Tensor, box: Tensor, sides: Sequence[Side]) -> Tensor:
    x, weight = box, box.new_ones(1)
    for axis, side in enumerate(sides):
        after = (1,) * (len(sides) - 1 - axis)
        table = side.offset.unsqueeze(1) * steer[axis]  # (m, H)
        x = x.index_select(axis + 1, side.cell).add_(table.reshape(len(table), *after, -1))  # (B, *..., H)
        weight = weight.unsqueeze(-1) * side.weight
    return mlp.rest(x) * weight.unsqueeze(-1)  # (B, *N of the member, O)


def _at_points(grid: Tensor, member: Member, at: Tensor, outputs: int, chunk: int) -> Tensor:
    samples, *size, width = grid.shape
    rows, listed = grid.reshape(-1, width), at.reshape(-1, at.shape[-1])  # (B times voxels, H), (B times Q, d)
    sample = torch.arange(samples, device=at.device).repeat_interleave(at.shape[1])  # (B times Q,)
    answer = _blank(grid, len(listed), outputs)  # (B times Q, O)
    for start in range(0, len(listed), chunk):
        some = slice(start, start + chunk)
        around = [corners(axis, n) for axis, n in zip(listed[some].unbind(-1), size, strict=True)]
        for place, cell, offset, weight in _members(around, size, sample[some]):
            part = member(rows, cell, offset.to(grid), weight.to(grid))  # (m, O)
            answer[some].index_add_(0, place, part.to(answer))
    return answer.reshape(*at.shape[:2], outputs).movedim(-1, 1)  # (B, O, Q)


def _members(around: Sequence[Corners], size: Sequence[int], sample: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield for each corner the places that it weighs anything for, its voxels, their offsets and its weights."""
    for corner in itertools.product((0, 1), repeat=len(size)):
        cell, weight = sample, torch.ones_like(around[0].weight[0])  # (R,)
        for side, found, n in zip(corner, around, size, strict=True):
            cell, weight = cell * n + found.cell[side], weight * found.weight[side]
        place = weight.nonzero().flatten()  # (m,)
        offset = torch.stack([found.offset[side] for side, found in zip(corner, around, strict=True)], -1)  # (R, d)
        yield place, cell[place], offset[place], weight[place]


def _of_rows(mlp: MLP, steer: Tensor, rows: Tensor, cell: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
    x = torch.addmm(rows.index_select(0, cell), offset, steer)  # (m, H)
    return mlp.rest(x) * weight.unsqueeze(1)  # (m, O)
