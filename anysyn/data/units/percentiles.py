"""Percentiles of voxels."""

from __future__ import annotations

import numpy as np
from torch import Tensor


def percentile(voxels: Tensor, share: float, *, lower: bool = False) -> float:
    """Return a percentile of voxels.

    Args:
        voxels: (n,).
        share: 0 to 100.
        lower: Whether to return a voxel's own value, the next one below, instead of interpolating.

    Example:
        >>> import torch
        >>> percentile(torch.tensor([0.0, 1.0]), 75), percentile(torch.tensor([0.0, 1.0]), 75, lower=True)
        (0.75, 0.0)
    """
    return float(np.percentile(voxels.numpy(), share, method="lower" if lower else "linear"))
