"""Split-conformal intervals: as wide as the errors of people who were not fitted ask for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def pooled_quantile(scores: Sequence[Tensor], level: float) -> float:
    """Return the quantile of scores of several syntheses, each of which has the same weight.

    Voxels of one head are not exchangeable, heads are. So this is the quantile of hierarchical conformal prediction
    (Lee, Barber and Willett, 2023) without its term for the next, unknown head: with n heads that term weighs
    1 / (n + 1), so that below nine heads no interval of 90 % would be finite. What the coverage is, is measured.

    Args:
        scores: (V_i,) of each synthesis: absolute errors divided by the expected ones.
        level: From 0 to 1.

    Example:
        >>> pooled_quantile([torch.arange(100.0), torch.full((3,), 500.0)], 0.45)
        89.0
    """
    every = torch.cat(list(scores))  # (V,)
    weights = torch.cat([torch.full((len(one),), 1 / (len(scores) * len(one)), dtype=torch.float64) for one in scores])
    order = every.argsort()
    reached = weights[order].cumsum(0) >= level - 1e-12
    return float(every[order][int(reached.to(torch.uint8).argmax())])


def coverage(error: Tensor, expected: Tensor, quantile: float) -> float:
    """Return the share of voxels whose absolute error is within the interval.

    Example:
        >>> coverage(torch.tensor([1.0, 2.0, 3.0, 9.0]), torch.ones(4), 3.0)
        0.75
    """
    return float((error <= quantile * expected).float().mean())
