"""A few queries attend to many voxels by the cosine; no key and no value of all voxels is ever in memory at once."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def key_lengths(features: Tensor, key: nn.Linear, heads: int, chunk: int) -> Tensor:
    """Return how long the key of each voxel and head is, which no text changes.

    Args:
        features: (B, C, *S).
        key: From C to H D numbers.
        heads: H.
        chunk: Voxels of each sample whose keys are in memory at once.

    Returns:
        (B, H, N), above 0.

    Example:
        >>> key_lengths(torch.ones(2, 6, 4, 5), nn.Linear(6, 6), heads=3, chunk=7).shape
        torch.Size([2, 3, 20])
    """
    rows = features.flatten(2).mT  # (B, N, C)
    lengths = [key(some).unflatten(-1, (heads, -1)).norm(dim=-1) for some in torch.split(rows, chunk, 1)]  # (B, n, H)
    return torch.cat(lengths, 1).mT.clamp(min=1e-12)  # (B, H, N)


def attended(features: Tensor, queries: Tensor, key: nn.Linear, lengths: Tensor, temperature: Tensor) -> Tensor:
    """Average the features of all voxels for each query and head.

    A voxel weighs ``softmax(cosine(query, key) / temperature)``. Keys are linear in the features, so the query is
    brought to the features once, in place of every feature to the query. Values are linear in them too and the weights
    add up to 1, so the average of the values is the value of the average: `read` computes it of one vector for each
    query and head in place of one for each voxel.

    Args:
        features: (B, C, *S).
        queries: (B, L, H, D) for H heads of D numbers.
        key: From C to H D numbers.
        lengths: (B, H, N), what `key_lengths` returned.
        temperature: (H,), what the cosines are divided by.

    Returns:
        (B, L, H, C).

    Example:
        >>> features, key = torch.rand(2, 6, 4, 5), nn.Linear(6, 6)
        >>> lengths = key_lengths(features, key, heads=3, chunk=7)
        >>> attended(features, torch.rand(2, 1, 3, 2), key, lengths, torch.ones(3)).shape
        torch.Size([2, 1, 3, 6])
    """
    heads = queries.shape[2]
    directions = F.normalize(queries, dim=-1) / temperature.unsqueeze(-1)  # (B, L, H, D)
    weight, bias = key.weight.reshape(heads, -1, key.in_features), key.bias.reshape(heads, -1)  # (H, D, C), (H, D)
    asked = torch.einsum("blhd,hdc->blhc", directions, weight)  # (B, L, H, C)
    apart = torch.einsum("blhd,hd->blh", directions, bias)  # (B, L, H)
    rows = features.flatten(2)  # (B, C, N)
    found = (asked.flatten(1, 2) @ rows).reshape(*apart.shape, -1)  # (B, L, H, N)
    weights = ((found + apart.unsqueeze(-1)).float() / lengths.unsqueeze(1)).softmax(-1)  # (B, L, H, N)
    # A weight is about 1 / N and a sum up to N: half of N goes to either, so that both stay in the range of float16.
    root = math.sqrt(rows.shape[2])
    sums = (weights * root).to(rows.dtype).flatten(1, 2) @ rows.mT  # (B, L H, C)
    average: Tensor = (sums / root).reshape(*weights.shape[:3], -1)  # (B, L, H, C)
    return average


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
