"""Fusion of the features of any number of sources: maximum, weighted mean, moments, and unification.

Each takes ``features`` (B, J, C, *S) and ``counts``, (B, J) bool with at least one source per sample or None if all
count, and returns (B, C, *S).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anysyn.nn.blocks import conv
from anysyn.ops import spread


def strongest(features: Tensor, counts: Tensor | None = None) -> Tensor:
    """Return the element-wise maximum over the sources that count: hard integration.

    Example:
        >>> features = torch.tensor([[[1.0], [5.0], [3.0]]])  # three sources of one channel
        >>> strongest(features, torch.tensor([[True, False, True]])).item()
        3.0
    """
    if counts is not None:
        features = features.masked_fill(~spread(counts, features), float("-inf"))  # (B, J, C, *S)
    return features.amax(1)  # (B, C, *S)


def weighted_mean(features: Tensor, scores: Tensor, counts: Tensor | None = None) -> Tensor:
    """Return the mean over the sources weighted by the softmax of their scores, (B, J, 1, *S): soft integration.

    Example:
        >>> features = torch.tensor([[[1.0], [5.0], [3.0]]])
        >>> weighted_mean(features, torch.zeros(1, 3, 1), torch.tensor([[True, False, True]])).item()
        2.0
    """
    if counts is not None:
        absent = ~spread(counts, features)  # (B, J, 1, ...)
        features, scores = features.masked_fill(absent, 0), scores.masked_fill(absent, float("-inf"))
    return (scores.softmax(1) * features).sum(1)  # (B, C, *S)


def moments(features: Tensor, counts: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance over the sources that count.

    Example:
        >>> features = torch.tensor([[[1.0], [5.0], [3.0]]])
        >>> [value.item() for value in moments(features, torch.tensor([[True, False, True]]))]
        [2.0, 1.0]
    """
    if counts is None:
        return features.mean(1), features.var(1, unbiased=False)  # (B, C, *S) each
    known = spread(counts, features)  # (B, J, 1, ...)
    features = features.masked_fill(~known, 0)  # (B, J, C, *S)
    mean = features.sum(1) / known.sum(1)  # (B, C, *S)
    deviations = (features - mean.unsqueeze(1)).masked_fill(~known, 0)  # (B, J, C, *S)
    return mean, deviations.square().sum(1) / known.sum(1)


class FeatureUnification(nn.Module):
    """Dynamic feature unification of Uni-Synth (Zhang et al., TMI 2024), for any number of sources.

    A convolution joins the hard and the soft integration. The order of the sources does not matter, and a source that
    does not count has no influence.

    Args:
        inputs: Channels of each source.

    Example:
        >>> unify = FeatureUnification(dimensions=2, inputs=8, outputs=4)
        >>> unify(torch.rand(2, 3, 8, 5, 5), torch.ones(2, 3, dtype=torch.bool)).shape
        torch.Size([2, 4, 5, 5])
    """

    def __init__(self, *, dimensions: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.score = conv(dimensions, inputs, 1, 1)
        self.join = conv(dimensions, 2 * inputs, outputs, 1)

    def forward(self, features: Tensor, counts: Tensor | None = None) -> Tensor:
        """Unify (B, J, inputs, *S) to (B, outputs, *S)."""
        known = features
        if counts is not None:  # before any arithmetic: the features of an absent source may be anything, even NaN
            known = features.masked_fill(~spread(counts, features), 0)  # (B, J, inputs, *S)
        scores = self.score(known.flatten(0, 1)).unflatten(0, features.shape[:2])  # (B, J, 1, *S)
        both = [strongest(known, counts), weighted_mean(known, scores, counts)]  # (B, inputs, *S) each
        unified: Tensor = self.join(torch.cat(both, 1))  # (B, outputs, *S)
        return unified
