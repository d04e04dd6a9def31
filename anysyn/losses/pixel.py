"""Losses between voxels, only where truth exists (selective supervision)."""

from __future__ import annotations

from torch import Tensor

from anysyn.registry import register
from anysyn.types import Loss, Outcome


def selective_mean(prediction: Tensor, truth: Tensor, mask: Tensor, power: int) -> Tensor:
    """Average ``|prediction - truth| ** power`` over the images that have a truth.

    Images without truth are left out before any arithmetic, so whatever fills their place is never read.

    Args:
        prediction: (B, K, *S).
        truth: (B, K, *S).
        mask: (B, K) bool, true where truth exists.
        power: 1 for L1, 2 for MSE.

    Returns:
        A scalar; zero, with a gradient of zero, where nothing has a truth.

    Example:
        >>> import torch
        >>> truth = torch.tensor([[[1.0, 1.0]], [[float("nan")] * 2]])
        >>> selective_mean(torch.zeros(2, 1, 2), truth, torch.tensor([[True], [False]]), 1).item()
        1.0
    """
    known, wanted = prediction[mask], truth[mask]  # (N, *S)
    if not len(known):
        return prediction.sum() * 0
    error: Tensor = (known - wanted).abs()
    return (error if power == 1 else error.square()).mean()


@register("loss", "l1")
class L1(Loss):
    """Average the absolute difference over the targets that have a truth.

    Example:
        >>> L1(weight=100.0).weight
        100.0
    """

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar."""
        return selective_mean(outcome.prediction, outcome.truth, outcome.mask, 1)


@register("loss", "mse")
class MSE(Loss):
    """Average the squared difference over the targets that have a truth.

    Example:
        >>> MSE().weight
        1.0
    """

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar."""
        return selective_mean(outcome.prediction, outcome.truth, outcome.mask, 2)
