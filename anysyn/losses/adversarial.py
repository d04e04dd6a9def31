"""Adversarial losses, only where truth exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from anysyn.bounds import NotNegative
from anysyn.losses.selective import selective_sum, synthesized
from anysyn.ops import beside, chosen, pick, shown
from anysyn.registry import register
from anysyn.types import Batch, Discriminator, Loss, Outcome, Query

Form = Literal["least_squares", "cross_entropy"]


def least_squares(scores: Tensor, wanted: float) -> Tensor:
    """Average the squared distance of an image's scores to what they should be (LSGAN, Mao et al., ICCV 2017).

    Args:
        scores: (N, 1, *T).
        wanted: 1 for real, 0 for synthesized.

    Returns:
        (N,).

    Example:
        >>> least_squares(torch.tensor([[[1.0, 3.0]]]), 1.0).tolist()
        [2.0]
    """
    return (scores - wanted).square().flatten(1).mean(1)  # (N,)


def cross_entropy(scores: Tensor, wanted: float) -> Tensor:
    """Average the cross-entropy of an image's scores, as logits, with what they should be (Goodfellow et al., 2014).

    Args and result are those of `least_squares`.

    Example:
        >>> round(cross_entropy(torch.tensor([[[0.0, 0.0]]]), 1.0).item(), 4)  # log 2
        0.6931
    """
    errors = F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, wanted), reduction="none")
    return errors.flatten(1).mean(1)  # (N,)


FORMS: dict[Form, Callable[[Tensor, float], Tensor]] = {
    "least_squares": least_squares,
    "cross_entropy": cross_entropy,
}


def judged(discriminator: Discriminator, images: Tensor, mask: Tensor, batch: Batch, query: Query) -> Tensor:
    """Score the images that count, each beside what its discriminator sees of the sources.

    Args:
        discriminator: What judges.
        images: (B, K, *S), of the query's targets.
        mask: (B, K) bool, true where an image counts.
        batch: What exists.
        query: What is shown and asked.

    Returns:
        (N, 1, *T), in the order of the mask.

    Example:
        >>> batch = Batch.complete(torch.rand(2, 3, 4, 4))
        >>> query = Query(torch.tensor([[0], [0]]), torch.tensor([[1], [2]]))
        >>> def two(images, modalities): return images[:, :1] - images[:, 1:]
        >>> two.beside = "stack"
        >>> judged(two, pick(batch.images, query.sources), torch.ones(2, 1) > 0, batch, query).abs().max().item()
        0.0
    """
    seen = chosen(images, mask).unsqueeze(1)  # (N, 1, *S)
    if discriminator.beside != "nothing":
        sources = (pick if discriminator.beside == "stack" else shown)(batch.images, query.sources)  # (B, J or M, *S)
        rows = beside(mask.nonzero()[:, 0], sources)  # (N,)
        seen = torch.cat([seen, sources[rows]], 1)  # (N, 1 + J or 1 + M, *S)
    scores: Tensor = discriminator(seen, query.targets[mask])  # (N, 1, *T)
    return scores


@register("loss", "adversarial")
class Adversarial(Loss):
    """Adversarial loss of the generator, over synthesized images that have a truth (Eq. 8 of PMM-Synth).

    ``sum_i (1 - sc_i) m_i mean((D_i(y_i) - 1)^2)``, or the cross-entropy with 1 of the scores as logits (pix2pix).
    Leave the discriminator out of what the step trains; a step of its own, with objective `discrimination`, trains it.

    Args:
        discriminator: What judges.
        form: How scores are compared with 1, as in `discrimination`.
        weight: What the objective multiplies by; 1 in PMM-Synth.

    Example:
        >>> Adversarial(discriminator=Discriminator()).weight
        1.0
    """

    whole_images = True

    def __init__(
        self, *, discriminator: Discriminator, form: Form = "least_squares", weight: NotNegative = 1.0
    ) -> None:
        super().__init__(weight=weight)
        self.discriminator, self.form = discriminator, FORMS[form]

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar."""
        mask = synthesized(outcome)  # (B, K)
        if not bool(mask.any()):
            return outcome.prediction.sum() * 0
        scores = judged(self.discriminator, outcome.prediction, mask, outcome.batch, outcome.query)  # (N, 1, *T)
        return selective_sum(self.form(scores, 1.0), mask)
