"""An MLP that reads the interpolated features of a point and its coordinates, evaluated exactly but with less work.

As in ArSSR (Wu et al., 2022) and in the published code of TUMSyn. Interpolation is linear, so it commutes with the
weights of the first layer. On a lattice the first layer is therefore applied to the voxels or to the points,
whichever are fewer, and its part for the coordinates is a table for each axis; on the image's own grid nothing is
interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from anysyn.nn.implicit.corners import Padding, Stretch, blocks
from anysyn.nn.mlp import MLP
from anysyn.points import Lattice, Places, Points, sample_at

Coordinates = Literal["absolute", "relative"]


def trilinear_inputs(channels: int, dimensions: int, coordinates: Coordinates) -> int:
    """Count the MLP's inputs.

    Example:
        >>> [trilinear_inputs(768, 3, coordinates) for coordinates in ("absolute", "relative")]
        [771, 777]
    """
    return channels + dimensions * (1 if coordinates == "absolute" else 3)


def encode_coordinates(at: Tensor, length: int, coordinates: Coordinates) -> Tensor:
    """Encode the position of points on one axis for the MLP.

    ``absolute`` is the coordinate in [-1, 1]. ``relative`` is the offset from the centre of the voxel, ``u - round(u)``
    with u in voxels, as the sine and cosine of an angle, which do not jump between voxels. They are the same in every
    voxel, so they do not depend on where the tile ends.

    Args:
        at: (...) in [-1, 1].
        length: Voxels of the axis.
        coordinates: The encoding.

    Returns:
        (..., 1) or (..., 2).

    Example:
        >>> encode_coordinates(torch.tensor(-0.5), 2, "relative").tolist()  # the centre of a voxel
        [0.0, 1.0]
    """
    if coordinates == "absolute":
        return at.unsqueeze(-1)  # (..., 1)
    angle = math.pi * ((at + 1) * length - 1)  # (...)
    return torch.stack([angle.sin(), angle.cos()], -1)  # (..., 2)


def trilinear(
    features: Tensor,
    mlp: MLP,
    places: Places,
    *,
    coordinates: Coordinates,
    chunk: int,
    recompute: bool = False,
    padding: Padding = "border",
) -> Tensor:
    """Interpolate the features at each point and apply an MLP to them and the coordinates.

    Args:
        features: (B, C, *S) with d voxel axes.
        mlp: Reads [feature; coordinate of each axis] or [feature; sine of each axis; cosine of each axis; step].
        places: Points or a lattice; their step is in voxels of the features.
        coordinates: Encoding of the coordinates, see `encode_coordinates`; ``relative`` adds the step.
        chunk: Points evaluated at a time, over all samples.
        recompute: Compute each chunk again in the backward pass instead of storing its activations.
        padding: Beyond the outermost voxel centres the features keep the value at the border, or fall to zeros.

    Returns:
        (B, O, Q) at points, (B, O, *N) on a lattice.

    Example:
        >>> from anysyn.points import lattice
        >>> mlp = MLP(trilinear_inputs(8, 2, "absolute"), [16, 16], 1)
        >>> where = lattice([5, 6], onto=[10, 9])
        >>> trilinear(torch.rand(3, 8, 5, 6), mlp, where, coordinates="absolute", chunk=100).shape
        torch.Size([3, 1, 10, 9])
    """
    if isinstance(places, Lattice):
        of_block = partial(_of_block, mlp, _first_layer(mlp, features, places, coordinates))
        return _on_lattice(features, _again(of_block, recompute), places, mlp.outputs, chunk, padding)
    of_points = _again(partial(_of_points, mlp, coordinates, padding), recompute)
    parts = torch.split(places.at, max(1, chunk // len(features)), 1)  # (B, q, d) each
    return torch.cat([of_points(features, Points(at, places.step)) for at in parts], 1).movedim(-1, 1)  # (B, O, Q)


def trilinear_on_grid(features: Tensor, mlp: MLP, *, coordinates: Coordinates) -> Tensor:
    """Apply the MLP at the centres of the features' own voxels, where nothing is interpolated.

    It is what `trilinear` gives on a lattice of that size, in one graph for `torch.export`, and in one piece.

    Args:
        features: (B, C, *S).
        mlp: As for `trilinear`.
        coordinates: Encoding of the coordinates.

    Returns:
        (B, O, *S).

    Example:
        >>> from anysyn.points import lattice
        >>> features, mlp = torch.rand(2, 8, 5, 6), MLP(trilinear_inputs(8, 2, "relative"), [16, 16], 1)
        >>> whole = trilinear(features, mlp, lattice([5, 6]), coordinates="relative", chunk=9)
        >>> torch.allclose(trilinear_on_grid(features, mlp, coordinates="relative"), whole, atol=1e-5)
        True
    """
    samples, size = features.shape[0], features.shape[2:]
    codes = []
    for axis, n in enumerate(size):
        at = (2 * torch.arange(n, dtype=torch.float64, device=features.device) + 1) / n - 1  # (n,)
        code = encode_coordinates(at, n, coordinates)  # (n, 1 or 2)
        after = (1,) * (len(size) - 1 - axis)
        codes.append(code.reshape(n, *after, -1).expand(*size, code.shape[-1]))  # (*S, 1 or 2)
    code = torch.stack(codes, -1).flatten(-2)  # (*S, d or 2 d)
    if coordinates == "relative":  # a step of one voxel
        code = torch.cat([code, code.new_ones(*size, len(size))], -1)  # (*S, 3 d)
    x = features.movedim(1, -1)  # (B, *S, C)
    code = code.to(features).unsqueeze(0).expand(samples, *size, code.shape[-1])
    answer: Tensor = mlp(torch.cat([x, code], -1)).movedim(-1, 1)  # (B, O, *S)
    return answer


def _again(function: Callable[..., Tensor], recompute: bool) -> Callable[..., Tensor]:
    return partial(checkpoint, function, use_reentrant=False) if recompute else function


def _of_points(mlp: MLP, coordinates: Coordinates, padding: Padding, features: Tensor, places: Points) -> Tensor:
    axes = zip(places.at.unbind(-1), features.shape[2:], strict=True)
    code = torch.stack([encode_coordinates(at, n, coordinates) for at, n in axes], -1).flatten(-2)  # (B, q, d or 2 d)
    inputs = [sample_at(features, places, padding).movedim(1, -1), code.to(features)]  # (B, q, C), (B, q, d or 2 d)
    if coordinates == "relative":
        inputs.append(places.step.to(features).unsqueeze(1).expand_as(places.at))  # (B, q, d)
    values: Tensor = mlp(torch.cat(inputs, -1))  # (B, q, O)
    return values


class _FirstLayer(NamedTuple):
    feature: Tensor  # (H, C), weights of a feature
    tables: tuple[Tensor, ...]  # (N_a, H) for each axis of the lattice: what coordinates add; the first, the bias, too


def _first_layer(mlp: MLP, features: Tensor, places: Lattice, coordinates: Coordinates) -> _FirstLayer:
    channels, dims = features.shape[1], len(places.axes)
    feature, *parts = mlp.first.weight.tensor_split((channels, *range(channels + dims, mlp.inputs, dims)), dim=1)
    bias: Tensor = mlp.first.bias  # (H,)
    if coordinates == "relative":
        bias = bias + parts.pop() @ torch.tensor(places.step, dtype=bias.dtype, device=bias.device)  # (H,)
    code_weights = torch.stack(parts, 1)  # (H, 1 or 2, d)
    axes = zip(places.axes, features.shape[2:], strict=True)
    codes = [
        encode_coordinates(axis.to("cpu", torch.float64), n, coordinates).to(bias) for axis, n in axes
    ]  # (N_a, 1 or 2) each
    first, *others = (code @ weight.T for code, weight in zip(codes, code_weights.unbind(-1), strict=True))
    return _FirstLayer(feature, (first + bias, *others))


def _on_lattice(
    features: Tensor,
    of_block: Callable[..., Tensor],
    places: Lattice,
    outputs: int,
    chunk: int,
    padding: Padding,
) -> Tensor:
    samples, _, *size = features.shape
    kind = torch.promote_types(features.dtype, torch.float32)  # the answer's, see `apply_in_float32`
    values = features.new_zeros(samples, *places.shape, outputs, dtype=kind)  # (B, *N, O)
    for block in blocks(places, size, max(1, chunk // samples), features, padding):
        box = features[:, :, *(stretch.box for stretch in block)].movedim(1, -1)  # (B, *S of the box, C)
        values[:, *(stretch.places for stretch in block)] = of_block(box, block)
    return values.movedim(-1, 1)  # (B, O, *N)


def _of_block(mlp: MLP, first: _FirstLayer, box: Tensor, block: Sequence[Stretch]) -> Tensor:
    points = math.prod(stretch.places.stop - stretch.places.start for stretch in block)
    if math.prod(box.shape[1:-1]) <= points:
        x = _interpolated(F.linear(box, first.feature), block)  # (B, *N of the block, H)
    else:
        x = F.linear(_interpolated(box, block), first.feature)  # (B, *N of the block, H)
    for axis, (stretch, table) in enumerate(zip(block, first.tables, strict=True)):
        after = (1,) * (len(block) - 1 - axis)
        x.add_(table[stretch.places].reshape(-1, *after, x.shape[-1]))
    return mlp.rest(x)  # (B, *N of the block, O)


def _interpolated(box: Tensor, block: Sequence[Stretch]) -> Tensor:
    """Interpolate along one axis after the other: (B, *S of the box, C) to (B, *N of the block, C)."""
    x = box
    for axis, stretch in enumerate(block, 1):
        if stretch.centred:
            continue
        if stretch.nearest:
            x = x.index_select(axis, stretch.sides[0].cell)  # (B, ..., N_a, ..., C)
        else:
            rows = x.flatten(axis + 1).flatten(0, axis - 1)  # (B ..., S_a, ... C)
            rows = _weights(stretch, rows) @ rows  # (B ..., N_a, ... C)
            x = rows.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])  # (B, ..., N_a, ..., C)
    return x


def _weights(stretch: Stretch, rows: Tensor) -> Tensor:
    weights = rows.new_zeros(len(stretch.sides[0].place), rows.shape[1])  # (N_a, S_a)
    for side in stretch.sides:
        weights[side.place, side.cell] = side.weight.to(rows)
    return weights
