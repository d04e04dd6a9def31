"""Cosine attention of a few queries to many voxels, without the keys and values of all voxels in memory."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def key_norms(features: Tensor, key: nn.Linear, heads: int, chunk: int) -> Tensor:
    """Compute the norm of the key of each voxel and head, which does not depend on the queries.

    Args:
        features: (B, C, *S).
        key: Linear layer, C to H D.
        heads: H.
        chunk: Voxels of each sample whose keys are in memory at once.

    Returns:
        (B, H, N), above 0.

    Example:
        >>> key_norms(torch.ones(2, 6, 4, 5), nn.Linear(6, 6), heads=3, chunk=7).shape
        torch.Size([2, 3, 20])
    """
    rows = features.flatten(2).mT  # (B, N, C)
    norms = [key(part).unflatten(-1, (heads, -1)).norm(dim=-1) for part in torch.split(rows, chunk, 1)]  # (B, n, H)
    return torch.cat(norms, 1).mT.clamp(min=1e-12)  # (B, H, N)


def attend(features: Tensor, queries: Tensor, key: nn.Linear, norms: Tensor, temperature: Tensor) -> Tensor:
    """Average the features of all voxels for each query and head.

    The weight of a voxel is ``softmax(cosine(query, key) / temperature)``. Keys are linear in the features, so each
    query is projected to the features once, instead of every feature to a key. Values are linear too and the weights
    sum to 1, so the average of the values is the value of the average: `project_values` computes one vector per query
    and head instead of one per voxel.

    Args:
        features: (B, C, *S).
        queries: (B, L, H, D) for H heads of width D.
        key: Linear layer, C to H D.
        norms: (B, H, N), from `key_norms`.
        temperature: (H,), divides the cosines.

    Returns:
        (B, L, H, C).

    Example:
        >>> features, key = torch.rand(2, 6, 4, 5), nn.Linear(6, 6)
        >>> norms = key_norms(features, key, heads=3, chunk=7)
        >>> attend(features, torch.rand(2, 1, 3, 2), key, norms, torch.ones(3)).shape
        torch.Size([2, 1, 3, 6])
    """
    heads = queries.shape[2]
    directions = F.normalize(queries, dim=-1) / temperature.unsqueeze(-1)  # (B, L, H, D)
    weight, bias = key.weight.reshape(heads, -1, key.in_features), key.bias.reshape(heads, -1)  # (H, D, C), (H, D)
    projected = torch.einsum("blhd,hdc->blhc", directions, weight)  # (B, L, H, C)
    offset = torch.einsum("blhd,hd->blh", directions, bias)  # (B, L, H)
    rows = features.flatten(2)  # (B, C, N)
    products = (projected.flatten(1, 2) @ rows).reshape(*offset.shape, -1)  # (B, L, H, N)
    weights = ((products + offset.unsqueeze(-1)).float() / norms.unsqueeze(1)).softmax(-1)  # (B, L, H, N)
    # A weight is about 1 / N and a sum up to N: a factor sqrt(N) each keeps both in the range of float16.
    root = math.sqrt(rows.shape[2])
    sums = (weights * root).to(rows.dtype).flatten(1, 2) @ rows.mT  # (B, L H, C)
    average: Tensor = (sums / root).reshape(*weights.shape[:3], -1)  # (B, L, H, C)
    return average


def project_values(averages: Tensor, value: nn.Linear) -> Tensor:
    """Project each head's average of the features to its values.

    Args:
        averages: (B, L, H, C), from `attend`.
        value: Linear layer, C to H D, head by head.

    Returns:
        (B, L, H D).

    Example:
        >>> project_values(torch.rand(2, 1, 3, 6), nn.Linear(6, 12)).shape
        torch.Size([2, 1, 12])
    """
    weight = value.weight.reshape(averages.shape[2], -1, averages.shape[3])  # (H, D, C)
    return torch.einsum("blhc,hdc->blhd", averages, weight).flatten(2) + value.bias  # (B, L, H D)


def attend_runs(features: Tensor, queries: Tensor, key: nn.Linear, value: nn.Linear, temperature: Tensor) -> Tensor:
    """Average the values of tokens that are runs of neighbouring voxels of one channel.

    The tokens of TUMSyn's published code, whose weights know no others: keys and values of all voxels, (2 H D, *S), are
    read in the order in which they lie in memory, and every 2 H D numbers are a token: H D of its key, H D of its
    value. The order of the voxels matters, and so does their number; all keys and values are in memory.

    Args:
        features: (B, C, *S).
        queries: (B, L, H, D) for H heads of width D.
        key: Linear layer, C to H D.
        value: Linear layer, C to H D.
        temperature: (H,), divides the cosines.

    Returns:
        (B, L, H D).

    Example:
        >>> layers = nn.Linear(6, 6), nn.Linear(6, 6)
        >>> attend_runs(torch.rand(2, 6, 4, 5), torch.rand(2, 1, 3, 2), *layers, torch.ones(3)).shape
        torch.Size([2, 1, 6])
    """
    rows = features.flatten(2)  # (B, C, N)
    both = torch.stack([layer.weight @ rows + layer.bias.unsqueeze(-1) for layer in (key, value)], 1)  # (B, 2, H D, N)
    keys, values = both.reshape(rows.shape[0], -1, 2, *queries.shape[2:]).unbind(2)  # (B, N, H, D) each
    directions = F.normalize(queries, dim=-1) / temperature.unsqueeze(-1)  # (B, L, H, D)
    cosines = torch.einsum("blhd,bnhd->blhn", directions, F.normalize(keys, dim=-1))  # (B, L, H, N)
    weights = cosines.float().softmax(-1).to(values.dtype)  # (B, L, H, N)
    return torch.einsum("blhn,bnhd->blhd", weights, values).flatten(2)  # (B, L, H D)
