"""Losses between voxels, only where truth exists (selective supervision)."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from anysyn.ops import chosen
from anysyn.registry import register
from anysyn.types import Loss, Outcome


@register("loss", "l1")
class L1(Loss):
    """Average the absolute difference over the targets that have a truth.

    Images without truth are left out before any arithmetic, so whatever fills their place is never read.

    Example:
        >>> L1(weight=100.0).weight
        100.0
    """

    power: ClassVar[int] = 1

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar; zero, with a gradient of zero, where nothing has a truth."""
        known, wanted = (chosen(images, outcome.mask) for images in (outcome.prediction, outcome.truth))  # (N, *S)
        if not len(known):
            return outcome.prediction.sum() * 0
        error: Tensor = (known - wanted).abs()
        return (error if self.power == 1 else error.square()).mean()


@register("loss", "mse")
class MSE(L1):
    """Average the squared difference over the targets that have a truth.

    Example:
        >>> MSE().weight
        1.0
    """

    power = 2
