"""Split-conformal intervals: as wide as the errors of people who were not fitted ask for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def pooled_quantile(people: Sequence[Sequence[Tensor]], level: float) -> float:
    r"""Return the quantile of scores of several people, each with the same weight.

    Voxels of one head are not exchangeable, and two syntheses of one person are not; people are. So this is the
    quantile of hierarchical conformal prediction (Lee, Barber and Willett, 2023) without its term for the next, unknown
    person: with n people that term weighs :math:`1 / (n + 1)`, so that below nine people no interval of 90 % would be
    finite. Without it the mean coverage of the next person is at least :math:`level \cdot n / (n + 1)`, if all of a
    person's voxels err together, and near the level if they do not. What the coverage is, is measured.

    Args:
        people: Of each person, (V_i,) of each synthesis: absolute errors divided by the expected ones.
        level: From 0 to 1.

    Example:
        >>> pooled_quantile([[torch.arange(100.0)], [torch.full((3,), 500.0)]], 0.45)
        89.0
    """
    scores = [(one, 1 / (len(people) * len(own) * len(one))) for own in people for one in own]
    every = torch.cat([one for one, _ in scores])  # (V,)
    weights = torch.cat([torch.full((len(one),), weight, dtype=torch.float64) for one, weight in scores])
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
