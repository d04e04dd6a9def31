"""Least-squares adversarial losses, only where truth exists."""

from __future__ import annotations

from torch import Tensor

from anysyn.losses.selective import selective_sum, synthesized
from anysyn.registry import register
from anysyn.types import Discriminator, Loss, Outcome


def least_squares(scores: Tensor, wanted: float) -> Tensor:
    """Average the squared distance of an image's scores to what they should be (LSGAN, Mao et al., ICCV 2017).

    Args:
        scores: (N, 1, *T).
        wanted: 1 for real, 0 for synthesized.

    Returns:
        (N,).

    Example:
        >>> import torch
        >>> least_squares(torch.tensor([[[1.0, 3.0]]]), 1.0).tolist()
        [2.0]
    """
    return (scores - wanted).square().flatten(1).mean(1)  # (N,)


@register("loss", "adversarial")
class Adversarial(Loss):
    """Ask that a discriminator takes what was synthesized for real, where there is a truth (Eq. 8 of PMM-Synth).

    ``sum_i (1 - sc_i) m_i mean((D_i(y_i) - 1)^2)``. Leave the discriminator out of what the step trains; a step of its
    own, with objective `discrimination`, trains it.

    Args:
        discriminator: What judges.
        weight: What the objective multiplies by; 1 in PMM-Synth.

    Example:
        >>> Adversarial(discriminator=Discriminator()).weight
        1.0
    """

    whole_images = True

    def __init__(self, *, discriminator: Discriminator, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        self.discriminator = discriminator

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar."""
        mask = synthesized(outcome)  # (B, K)
        if not bool(mask.any()):
            return outcome.prediction.sum() * 0
        images = outcome.prediction[mask].unsqueeze(1)  # (N, 1, *S)
        return selective_sum(least_squares(self.discriminator(images, outcome.query.targets[mask]), 1.0), mask)
