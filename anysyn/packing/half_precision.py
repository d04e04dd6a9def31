"""Weights in half precision."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor


def halved(weights: Mapping[str, Tensor], learned: Collection[str]) -> dict[str, Tensor]:
    """Return weights with what was learned as float16, which halves the file; a network computes in float32 with them.

    Buffers, such as the running variance of a batch norm, and weights that float16 cannot hold stay as they are.

    Args:
        weights: By name.
        learned: Names of the parameters; the others are buffers.

    Example:
        >>> weights = {"w": torch.ones(2), "large": torch.tensor([1e6]), "running_var": torch.ones(1)}
        >>> [str(weight.dtype) for weight in halved(weights, ["w", "large"]).values()]
        ['torch.float16', 'torch.float32', 'torch.float32']
    """
    return {name: _half(weight) if name in learned else weight for name, weight in weights.items()}


def _half(weight: Tensor) -> Tensor:
    half = weight.to(torch.float16)
    return half if weight.dtype == torch.float32 and bool(half.isfinite().all()) else weight
