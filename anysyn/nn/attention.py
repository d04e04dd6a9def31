"""A few queries attend to many voxels by the cosine, without a key or a value of every voxel in memory at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attended(features: Tensor, queries: Tensor, key: nn.Linear, sharpness: Tensor, chunk: int) -> Tensor:
    """Average the features of all voxels for each query and head.

    A voxel weighs ``softmax(sharpness * cosine(query, key))``. Values would be linear in the features and the weights
    add up to 1, so the value of the average is the average of the values: `read` computes it of one vector for each
    query and head in place of one for each voxel.

    Args:
        features: (B, C, *S).
        queries: (B, L, H, D) for H heads of D numbers.
        key: From C to H D numbers.
        sharpness: (H,), one over the temperature of the softmax.
        chunk: Voxels whose keys are in memory at once.

    Returns:
        (B, L, H, C).

    Example:
        >>> averages = attended(torch.rand(2, 6, 4, 5), torch.rand(2, 1, 3, 2), nn.Linear(6, 6), torch.ones(3), chunk=7)
        >>> averages.shape
        torch.Size([2, 1, 3, 6])
    """
    heads = queries.shape[2]
    directions = F.normalize(queries, dim=-1) * sharpness.unsqueeze(-1)  # (B, L, H, D)
    rows = features.flatten(2).mT  # (B, N, C)
    logits = [
        torch.einsum("blhd,bnhd->blhn", directions, F.normalize(key(some).unflatten(-1, (heads, -1)), dim=-1))
        for some in rows.split(chunk, 1)
    ]
    weights = torch.cat(logits, -1).float().softmax(-1)  # (B, L, H, N)
    # A weight is about 1 / N; halfway between that and 1, neither the weights nor the sum leave the range of float16.
    root = rows.shape[1] ** 0.5
    sums = (weights * root).flatten(1, 2).to(rows.dtype) @ rows  # (B, L H, C)
    return (sums / root).unflatten(1, weights.shape[1:3])  # (B, L, H, C)


def read(averages: Tensor, value: nn.Linear) -> Tensor:
    """Read each head's values off its average feature.

    Args:
        averages: (B, L, H, C), what `attended` returned.
        value: From C to H D numbers; head h owns rows h D to h D + D of its weight.

    Returns:
        (B, L, H D).

    Example:
        >>> read(torch.rand(2, 1, 3, 6), nn.Linear(6, 12)).shape
        torch.Size([2, 1, 12])
    """
    weight = value.weight.unflatten(0, (averages.shape[2], -1))  # (H, D, C)
    answer = torch.einsum("blhc,hdc->blhd", averages, weight).flatten(2)  # (B, L, H D)
    return answer if value.bias is None else answer + value.bias
