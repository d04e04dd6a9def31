"""Losses between feature maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anysyn.errors import RecipeError
from anysyn.ops import chosen
from anysyn.registry import register
from anysyn.types import Loss, Outcome

ROUNDING = 1e-6  # a channel whose deviations are below this share of it is constant, but for rounding in float32


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


def channel_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Correlate two feature maps channel by channel over their voxels (Pearson).

    Args:
        first: (B, C, *S).
        second: (B, C, *S).

    Returns:
        (B, C) from -1 to 1, whatever positive factor and whatever offset a channel has; 0, with a gradient of 0, where
        a channel of either does not vary.

    Example:
        >>> x = torch.tensor([[[1.0, 2.0, 4.0], [5.0, 5.0, 5.0]]])
        >>> [round(value, 3) for value in channel_correlation(x, 7 - 3 * x)[0].tolist()]
        [-1.0, 0.0]
    """
    flat = [maps.float().flatten(2) for maps in (first, second)]  # (B, C, N) each
    a, b = (maps - maps.mean(2, keepdim=True) for maps in flat)  # (B, C, N)
    lengths = [(part.square().sum(2), maps.square().sum(2)) for part, maps in zip((a, b), flat, strict=True)]  # (B, C)
    (own, whole), (other, other_whole) = lengths
    varies = (own > ROUNDING**2 * whole) & (other > ROUNDING**2 * other_whole)  # (B, C)
    scale = torch.where(varies, own, 1).sqrt() * torch.where(varies, other, 1).sqrt()  # (B, C)
    return torch.where(varies, (a * b).sum(2) / scale, 0)  # (B, C)


class FeatureLoss(Loss):
    """Compare the encoders' answers of both ways, where both images of a pair exist; each level counts as much."""

    both_ways = True

    def between(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare the features of one level, (N, C, *S) each, as a scalar."""
        raise NotImplementedError

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar; zero, with a gradient of zero, where no pair is whole.

        Raises:
            RecipeError: If the objective asks one way alone.
        """
        back = outcome.reverse
        if back is None:
            raise RecipeError(f"{type(self).__name__} compares the features of both ways; use the objective two_way")
        rows = outcome.mask.any(1) & back.mask.any(1)  # (B,); others are left out before any arithmetic
        first, second = ((*way.features.skips, way.features.deep) for way in (outcome, back))
        if not bool(rows.any()):
            return first[-1].sum() * 0 + second[-1].sum() * 0
        levels = ((chosen(a, rows), chosen(b, rows)) for a, b in zip(first, second, strict=True))
        return torch.stack([self.between(a, b) for a, b in levels]).mean()


@register("loss", "feature_l1")
class FeatureL1(FeatureLoss):
    """Average ``|F_x - F_y|``, the content features of source and target (UniSyn's feature consistency).

    What comes out of the encoder is content once the conditioner on its side removed what the protocol put in. Where
    nothing bounds how far that conditioner may scale the features down, they can vanish instead of agreeing;
    `alpha_beta` is bounded, and `feature_correlation` has no scale.

    Args:
        weight: What the objective multiplies by; UniSyn's is 0.1.

    Example:
        >>> FeatureL1(weight=0.1).weight
        0.1
    """

    def between(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the mean absolute difference."""
        return (first.float() - second.float()).abs().mean()


@register("loss", "feature_correlation")
class FeatureCorrelation(FeatureLoss):
    """Average one minus the correlation of the content features of source and target, channel by channel.

    The scale-free form of `feature_l1`: neither shrinking the features nor a common offset makes it smaller.

    Example:
        >>> FeatureCorrelation(weight=0.1).weight
        0.1
    """

    def between(self, first: Tensor, second: Tensor) -> Tensor:
        """Return a mean from 0, where one is the other but for positive scale and offset, to 2."""
        return (1 - channel_correlation(first, second)).mean()
