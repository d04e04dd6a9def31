"""Losses between feature maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def feature_map_distance(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Compare two encodings level by level by MSE + L1, each level counting as much (OmniSyn, Eq. 3 and Algorithm 1).

    Args:
        first: The maps of one modality, (B, C_i, *S / stride_i) each.
        second: Those of another modality of the same samples.

    Returns:
        (B,), one distance for each sample, averaged over the levels.

    Example:
        >>> feature_map_distance([torch.zeros(1, 2, 4, 4)], [torch.full((1, 2, 4, 4), 2.0)]).tolist()
        [6.0]
    """
    levels = []
    for a, b in zip(first, second, strict=True):
        error = (a.float() - b.float()).flatten(1)  # (B, C_i times voxels)
        levels.append(error.square().mean(1) + error.abs().mean(1))  # (B,)
    return torch.stack(levels).mean(0)  # (B,)
