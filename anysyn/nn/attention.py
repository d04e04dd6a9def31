"""A few queries attend to many voxels by the cosine; no key and no value of all voxels is ever in memory at once."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attended(features: Tensor, queries: Tensor, key: nn.Linear, temperature: Tensor, chunk: int) -> Tensor:
    """Average the features of all voxels for each query and head.

    A voxel weighs ``softmax(cosine(query, key) / temperature)``. Values are linear in the features and the weights add
    up to 1, so the average of the values is the value of the average: `read` computes it of one vector for each query
    and head in place of one for each voxel.

    Args:
        features: (B, C, *S).
        queries: (B, L, H, D) for H heads of D numbers.
        key: From C to H D numbers.
        temperature: (H,), what the cosines are divided by.
        chunk: Voxels of each sample whose keys are in memory at once.

    Returns:
        (B, L, H, C).

    Example:
        >>> averages = attended(torch.rand(2, 6, 4, 5), torch.rand(2, 1, 3, 2), nn.Linear(6, 6), torch.ones(3), chunk=7)
        >>> averages.shape
        torch.Size([2, 1, 3, 6])
    """
    heads = queries.shape[2]
    directions = F.normalize(queries, dim=-1) / temperature.unsqueeze(-1)  # (B, L, H, D)
    rows = features.flatten(2).mT  # (B, N, C)
    keys = (key(some).unflatten(-1, (heads, -1)) for some in torch.split(rows, chunk, 1))  # (B, n, H, D) each
    logits = [torch.einsum("blhd,bnhd->blhn", directions, F.normalize(part, dim=-1)) for part in keys]
    weights = torch.cat(logits, -1).float().softmax(-1)  # (B, L, H, N)
    # A weight is about 1 / N and a sum up to N: half of N goes to either, so that both stay in the range of float16.
    root = math.sqrt(rows.shape[1])
    sums = (weights * root).to(rows.dtype).flatten(1, 2) @ rows  # (B, L H, C)
    return (sums / root).reshape(*weights.shape[:3], -1)  # (B, L, H, C)


def read(averages: Tensor, value: nn.Linear) -> Tensor:
    """Read each head's values off its average of the features.

    Args:
        averages: (B, L, H, C), what `attended` returned.
        value: From C to H D numbers, head by head.

    Returns:
        (B, L, H D).

    Example:
        >>> read(torch.rand(2, 1, 3, 6), nn.Linear(6, 12)).shape
        torch.Size([2, 1, 12])
    """
    weight = value.weight.reshape(averages.shape[2], -1, averages.shape[3])  # (H, D, C)
    return torch.einsum("blhc,hdc->blhd", averages, weight).flatten(2) + value.bias  # (B, L, H D)
