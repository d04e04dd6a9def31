"""The local implicit image function (LIIF), evaluated exactly but with far less work than the published code.

As published (Chen et al., CVPR 2021, Eqs. 2 to 4): around each point lie 2^d voxels, the members of the local ensemble.
For each member an MLP reads the unfolded features of that voxel (3^d C numbers), the offset of the point from its
centre, and the cell, which is the output voxel size; the results are weighted by the areas opposite.

Here, with the same weights and the same result:

- The first layer is linear in [unfolded features, offset, cell]. Its first part is a convolution of the low-resolution
  grid, computed once per voxel and then gathered at the members; the cell adds one vector; the offset adds one vector
  per axis, which on a lattice is a table for each axis.
- The members come from integer arithmetic (`anysyn.nn.implicit.corners`), and those of weight zero are left out: on a
  lattice of the image's own size seven of eight, and beyond the outermost centres half.
- The last layer and the weighted sum are both linear, so their order can change: with the layer first, one number is
  weighted instead of hundreds.
- One chunk of points at a time is in memory.
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
    """Count the MLP's inputs: the unfolded features, the offset and the cell.

    Example:
        >>> liif_inputs(64, dimensions=2), liif_inputs(64, dimensions=3)
        (580, 1734)
    """
    return int(3**dimensions) * channels + 2 * dimensions


def liif(features: Tensor, mlp: MLP, places: Places, *, chunk: int, recompute: bool = False) -> Tensor:
    """Evaluate the local implicit image function.

    Args:
        features: (B, C, *S) with d voxel axes.
        mlp: Maps [unfolded features, channel by channel; offset; cell] to O numbers.
        places: Points or a lattice; their step is in voxels of the features.
        chunk: Points evaluated at a time, over all samples.
        recompute: Compute each chunk again in the backward pass instead of storing its activations.

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


def liif_on_grid(features: Tensor, mlp: MLP) -> Tensor:
    """Evaluate it at the centres of the features' own voxels, each of which is then the only member of its ensemble.

    It is what `liif` gives on a lattice of that size, in one graph of tensors, for `torch.export`, and in one piece.

    Args:
        features: (B, C, *S).
        mlp: As for `liif`.

    Returns:
        (B, O, *S).

    Example:
        >>> from anysyn.points import lattice
        >>> features, mlp = torch.rand(2, 8, 5, 6), MLP(liif_inputs(8, dimensions=2), [16, 16], 1)
        >>> torch.allclose(liif_on_grid(features, mlp), liif(features, mlp, lattice([5, 6]), chunk=9), atol=1e-5)
        True
    """
    grid, _ = _first_layer(features, mlp, [1.0] * (features.ndim - 2))  # (B, *S, H)
    answer: Tensor = mlp.rest(grid).movedim(-1, 1)  # (B, O, *S)
    return answer


def _first_layer(features: Tensor, mlp: MLP, step: Tensor | Sequence[float]) -> tuple[Tensor, Tensor]:
    """Apply the part of the first layer that is the same for all points; also return the weights of the offset."""
    channels, dims = features.shape[1], features.ndim - 2
    width: int = 3**dims * channels
    unfolded, offset, cell = mlp.first.weight.tensor_split((width, width + dims), dim=1)  # (H, ...) each
    convolve = {2: F.conv2d, 3: F.conv3d}[dims]
    kernel = unfolded.reshape(-1, channels, *(3,) * dims)  # (H, C, 3, 3[, 3])
    grid = convolve(features, kernel, mlp.first.bias, padding=1)  # (B, H, *S)
    size = 2 * torch.as_tensor(step, dtype=cell.dtype, device=cell.device).reshape(-1, dims) @ cell.T  # (B or 1, H)
    return grid.movedim(1, -1).contiguous().add_(size.reshape(len(size), *(1,) * dims, -1)), offset.T


def _blank(grid: Tensor, *shape: int) -> Tensor:
    return grid.new_zeros(shape, dtype=torch.promote_types(grid.dtype, torch.float32))  # sums of members in float32


def _on_lattice(grid: Tensor, member: Member, lattice: Lattice, outputs: int, chunk: int) -> Tensor:
    samples, *size, _ = grid.shape
    values = _blank(grid, samples, *lattice.shape, outputs)  # (B, *N, O)
    for block in blocks(lattice, size, max(1, chunk // samples), grid):
        box = grid[:, *(stretch.box for stretch in block)]  # (B, *S of the box, H)
        part = values[:, *(stretch.places for stretch in block)]  # (B, *N of the block, O)
        for sides in itertools.product(*(stretch.sides for stretch in block)):
            where = torch.meshgrid(*(side.place for side in sides), indexing="ij")
            index: tuple[slice | Tensor, ...] = (slice(None), *where)
            part[index] += member(box, sides)  # (B, *N of the member, O)
    return values.movedim(-1, 1)  # (B, O, *N)


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
    values = _blank(grid, len(listed), outputs)  # (B times Q, O)
    for start in range(0, len(listed), chunk):
        part = slice(start, start + chunk)
        around = [corners(axis, n) for axis, n in zip(listed[part].unbind(-1), size, strict=True)]
        for place, cell, offset, weight in _members(around, size, sample[part]):
            weighted = member(rows, cell, offset.to(grid), weight.to(grid))  # (m, O)
            values[part].index_add_(0, place, weighted.to(values))
    return values.reshape(*at.shape[:2], outputs).movedim(-1, 1)  # (B, O, Q)


def _members(around: Sequence[Corners], size: Sequence[int], sample: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield for each corner the points at which its weight is not zero, its voxels, their offsets and weights.

    On a GPU all points: which weights are zero would have to be waited for, and they add nothing.
    """
    for corner in itertools.product((0, 1), repeat=len(size)):
        cell, weight = sample, torch.ones_like(around[0].weight[0])  # (R,)
        for side, axis, n in zip(corner, around, size, strict=True):
            cell, weight = cell * n + axis.cell[side], weight * axis.weight[side]
        on_cpu = weight.device.type == "cpu"
        place = weight.nonzero().flatten() if on_cpu else torch.arange(len(weight), device=weight.device)  # (m,)
        offset = torch.stack([axis.offset[side] for side, axis in zip(corner, around, strict=True)], -1)  # (R, d)
        yield place, cell[place], offset[place], weight[place]


def _of_rows(mlp: MLP, steer: Tensor, rows: Tensor, cell: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
    x = torch.addmm(rows.index_select(0, cell), offset, steer)  # (m, H)
    return mlp.rest(x) * weight.unsqueeze(1)  # (m, O)
