"""The adversarial loss of MM-GAN: synthesized and real modalities on one canvas."""

from __future__ import annotations

import torch
from torch import Tensor

from anysyn.bounds import NotNegative
from anysyn.losses.selective import synthesized
from anysyn.ops import chosen, spread
from anysyn.registry import register
from anysyn.types import Loss, Outcome, SetDiscriminator


def completed(outcome: Outcome) -> tuple[Tensor, Tensor, Tensor]:
    """Complete a canvas of all modalities by the synthesized ones: the implicit conditioning of MM-GAN.

    Returns:
        The completed canvas (B, M, *S), what exists of it (B, M, *S), and which modalities were synthesized (B, M).
    """
    batch, query = outcome.batch, outcome.query
    real = torch.where(spread(batch.available, batch.truth), batch.truth, 0)  # (B, M, *S)
    made = torch.zeros_like(batch.available).scatter(1, query.targets, synthesized(outcome))  # (B, M)
    places = spread(query.targets, real).expand_as(outcome.prediction)  # (B, K, *S)
    answers = torch.zeros_like(real).scatter(1, places, outcome.prediction.to(real.dtype))  # (B, M, *S)
    return torch.where(spread(made, real), answers, real), real, made


def canvas_error(scores: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
    """Average the squared distance of scores to what they should be over the modalities that count.

    Args:
        scores: (B, M, *T).
        wanted: (B, M), 1 for real and 0 for synthesized.
        counts: (B, M) bool.

    Returns:
        A scalar; zero where nothing counts.

    Example:
        >>> scores = torch.tensor([[[1.0], [3.0]]])
        >>> canvas_error(scores, torch.ones(1, 2), torch.tensor([[False, True]])).item()
        4.0
    """
    if not bool(counts.any()):
        return scores.sum() * 0
    return chosen((scores - spread(wanted, scores)).square().flatten(2).mean(2), counts).mean()


@register("loss", "canvas_adversarial")
class CanvasAdversarial(Loss):
    """Adversarial loss of the generator over every modality of a completed canvas (MM-GAN).

    What exists is put in the place of what was answered for it, so that the generator is judged by what it synthesized
    beside what is real. Leave the discriminator out of what the step trains; a step of its own, with objective
    `canvas_discrimination`, trains it.

    Args:
        discriminator: What judges.
        weight: What the objective multiplies by; 0.1 in MM-GAN.

    Example:
        >>> CanvasAdversarial(discriminator=SetDiscriminator(), weight=0.1).weight
        0.1
    """

    whole_images = True

    def __init__(self, *, discriminator: SetDiscriminator, weight: NotNegative = 1.0) -> None:
        super().__init__(weight=weight)
        self.discriminator = discriminator

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar; zero where nothing was synthesized that has a truth."""
        canvas, real, made = completed(outcome)
        if not bool(made.any()):
            return outcome.prediction.sum() * 0
        rows = made.any(1)  # (B,)
        scores = self.discriminator(chosen(canvas, rows), chosen(real, rows))  # (N, M, *T)
        counts = outcome.batch.available[rows]  # (N, M)
        return canvas_error(scores, torch.ones_like(counts, dtype=scores.dtype), counts)
