"""LIIF as published, in two and three dimensions, for the benchmark and the tests of ours.

After Chen et al., CVPR 2021: unfold the features; move each place by half a voxel along every axis, down and up; at
each of these 2^d places take the features of the nearest voxel; let the perceptron read them, the offset and the cell;
weigh the answers by the areas opposite. One liberty: the features are unfolded once, not again for every chunk.

At the centre of a voxel this form is wrong: the moved point is on the border of two voxels, so that float32 rounding
decides, or all areas are zero and get the same weight. It can follow the exact rule instead: the members are the voxels
below and above the point, with the weights of linear interpolation. Elsewhere the two are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Rule = Literal["published", "exact"]
EPSILON = 1e-6  # by which the published form moves a point up, so that one on a border belongs above


def liif_published(
    features: Tensor,
    linears: Sequence[nn.Linear],
    at: Tensor,
    step: Sequence[float],
    *,
    rule: Rule = "published",
    chunk: int = 30_000,
) -> Tensor:
    """Evaluate the local implicit image function as published.

    Args:
        features: (B, C, *S) with d voxel axes.
        linears: The layers of the perceptron, with a ReLU between them.
        at: (B, Q, d) places in [-1, 1].
        step: Edges of the voxels of the image, in voxels of the features.
        rule: Rule of members and weights.
        chunk: Places at a time, for each sample.

    Returns:
        (B, Q, O).
    """
    neighbours, centres = unfolded(features), voxel_centres(features)  # (B, C 3^d, *S), (B, d, *S)
    cell = 2 * torch.tensor(step).to(at)  # (d,)
    parts = [_ensemble(neighbours, centres, linears, part, cell, rule) for part in at.split(chunk, 1)]
    return torch.cat(parts, 1)  # (B, Q, O)


def _ensemble(
    neighbours: Tensor, centres: Tensor, linears: Sequence[nn.Linear], at: Tensor, cell: Tensor, rule: Rule
) -> Tensor:
    size = torch.tensor(neighbours.shape[2:]).to(at)  # (d,)
    answers, weights = [], []
    for sides in itertools.product((0, 1), repeat=len(size)):
        up = torch.tensor(sides).to(at)  # (d,)
        moved, weight = published_member(at, size, up) if rule == "published" else exact_member(at, size, up)
        offset = (at - nearest(centres, moved)) * size  # (B, Q, d)
        rows = torch.cat([nearest(neighbours, moved), offset, cell.expand_as(at)], -1)  # (B, Q, C 3^d + 2 d)
        answers.append(perceptron(linears, rows))
        weights.append(offset.prod(-1).abs() + 1e-9 if weight is None else weight)
    if rule == "published":
        weights = [area / sum(weights) for area in reversed(weights)]
    return sum(answer * weight.unsqueeze(-1) for answer, weight in zip(answers, weights, strict=True))  # (B, Q, O)


def perceptron(linears: Sequence[nn.Linear], rows: Tensor) -> Tensor:
    """Apply linear layers with a ReLU between them.

    Args:
        linears: The layers.
        rows: (..., inputs).
    """
    for layer in linears[:-1]:
        rows = layer(rows).relu()
    return linears[-1](rows)


def unfolded(features: Tensor) -> Tensor:
    """Unfold the features, with the 3^d neighbours of each voxel as channels: (B, C, *S) to (B, C 3^d, *S).

    Args:
        features: (B, C, *S).
    """
    dims = features.ndim - 2
    padded = F.pad(features, (1, 1) * dims)
    for axis in range(2, 2 + dims):
        padded = padded.unfold(axis, 3, 1)  # (B, C, *S, 3, ...)
    return padded.permute(0, 1, *range(2 + dims, 2 + 2 * dims), *range(2, 2 + dims)).flatten(1, 1 + dims)


def voxel_centres(image: Tensor) -> Tensor:
    """Return the centre of each voxel in [-1, 1]: (B, C, *S) to (B, d, *S).

    Args:
        image: (B, C, *S).
    """
    axes = [(torch.arange(n).to(image) * 2 + 1) / n - 1 for n in image.shape[2:]]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).expand(len(image), *(-1,) * (len(axes) + 1))


def nearest(image: Tensor, at: Tensor) -> Tensor:
    """Take the nearest voxel at each place: (B, C, *S) at (B, Q, d) gives (B, Q, C).

    Args:
        image: (B, C, *S).
        at: (B, Q, d) in [-1, 1].
    """
    where = at.flip(-1).reshape(*at.shape[:2], *(1,) * (at.shape[-1] - 1), -1)  # (B, Q, 1[, 1], d)
    return F.grid_sample(image, where, mode="nearest", align_corners=False).flatten(2).movedim(1, -1)  # (B, Q, C)


def published_member(at: Tensor, size: Tensor, up: Tensor) -> tuple[Tensor, None]:
    """Return the points moved by half a voxel, with the opposite areas as weights.

    Args:
        at: (B, Q, d).
        size: (d,) voxels of each axis.
        up: (d,) 0 for down and 1 for up.
    """
    return (at + (2 * up - 1) / size + EPSILON).clamp(-1 + EPSILON, 1 - EPSILON), None


def exact_member(at: Tensor, size: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
    """Return the centres of the voxels below or above points, and their weights in linear interpolation.

    Args:
        at: (B, Q, d).
        size: (d,) voxels of each axis.
        up: (d,) 0 for below and 1 for above.
    """
    u = (at.double() + 1) * size / 2 - 0.5
    below = (u + EPSILON * size / 2).floor()
    above = (u - below).clamp(min=0)
    voxel = torch.minimum((below + up).clamp(min=0), size - 1)
    weight = torch.where(up.bool(), above, 1 - above).prod(-1)  # (B, Q)
    return ((2 * voxel + 1) / size - 1).to(at), weight.to(at)
