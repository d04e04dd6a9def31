"""Agreement: how alike two feature maps are over the voxels that they share, channel by channel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from anysyn.losses.feature import ROUNDING


class Agreement(NamedTuple):
    """How alike maps are, each (I, J), averaged over the channels that vary; NaN if none does.

    Correlation ignores the scale and the offset of a channel, concordance does not.
    """

    correlation: Tensor
    concordance: Tensor


def agreement(first: Tensor, second: Tensor) -> Agreement:
    """Compare every map of one set with every map of another.

    ``r = cov / (s_a s_b)`` (Pearson) and ``2 cov / (s_a^2 + s_b^2 + (m_a - m_b)^2)``, the concordance correlation
    coefficient (Lin, Biometrics 1989), of each channel. Both are 1 for equal maps, and a scale or an offset that both
    maps share changes neither.

    Args:
        first: (I, C, N).
        second: (J, C, N), at the same N places.

    Example:
        >>> a = torch.tensor([[[0.0, 1.0, 2.0]]])
        >>> alike = agreement(a, torch.cat([a, 2 * a, -a]))
        >>> alike.correlation.tolist(), [round(value, 2) for value in alike.concordance[0].tolist()]
        ([[1.0, 1.0, -1.0]], [1.0, 0.62, -0.25])
    """
    if not first.shape[2]:
        nothing = torch.full((len(first), len(second)), float("nan"), dtype=torch.float64)
        return Agreement(nothing, nothing)
    a, b = _centred(first), _centred(second)
    shared = torch.einsum("icn,jcn->ijc", a.deviations, b.deviations) / first.shape[2]  # (I, J, C)
    variances = a.variance.unsqueeze(1), b.variance.unsqueeze(0)  # (I, 1, C), (1, J, C)
    apart = (a.mean.unsqueeze(1) - b.mean.unsqueeze(0)).square()  # (I, J, C)
    varies = a.varies.unsqueeze(1) & b.varies.unsqueeze(0)  # (I, J, C)
    correlation = shared / (variances[0].sqrt() * variances[1].sqrt())
    concordance = 2 * shared / (variances[0] + variances[1] + apart)
    return Agreement(*(torch.where(varies, one, float("nan")).nanmean(2) for one in (correlation, concordance)))


class _Centred(NamedTuple):
    deviations: Tensor
    mean: Tensor
    variance: Tensor
    varies: Tensor


def _centred(maps: Tensor) -> _Centred:
    whole = maps.double()
    mean = whole.mean(2)  # (I, C)
    deviations = whole - mean.unsqueeze(2)
    variance = deviations.square().mean(2)  # (I, C)
    return _Centred(deviations, mean, variance, variance > ROUNDING**2 * whole.square().mean(2))
