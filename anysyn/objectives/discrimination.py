"""The step of a discriminator: real images apart from synthesized ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anysyn.losses.adversarial import FORMS, Form, judged
from anysyn.losses.canvas import canvas_error, completed
from anysyn.losses.selective import selective_sum
from anysyn.objectives.objective import Answer, Objective, TermsAndAnswers
from anysyn.objectives.synthesis import known_targets
from anysyn.ops import among, pick
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Discriminator, Features, Outcome, Query, SetDiscriminator, Synthesis


def without_gradients(model: Synthesizer, batch: Batch, query: Query, earlier: Sequence[Answer]) -> Tensor:
    """Return the images (B, K, *S) that a discriminator learns from, synthesized anew only if no earlier step did.

    As in pix2pix, it learns from the very images that the generator learned from, made before the generator's weights
    moved.
    """
    for answer in reversed(earlier):
        images = answer.images_of(model, query)
        if images is not None:
            return images
    with torch.no_grad():
        synthesis: Synthesis = model(batch, query)
    return synthesis.images


@register("objective", "discrimination")
class Discrimination(Objective):
    """Train a discriminator to distinguish synthesized from real images that have a truth (Eq. 9 of PMM-Synth).

    ``sum_i (1 - sc_i) m_i (mean(D_i(y'_i)^2) + mean((D_i(y_i) - 1)^2))``, y' synthesized without gradients, or the
    cross-entropies with 0 and 1 of the scores as logits (pix2pix). Reuses the images that the generator step just
    synthesized for this batch. Of the targets only those count that were not shown and have a truth; where no sample
    has one, the discriminator of that modality gets no gradient. Train the discriminator alone; the loss `adversarial`
    is the other side.

    Args:
        model: The synthesizer.
        discriminator: What learns.
        form: How scores are compared with 0 and 1, as in the loss `adversarial`.

    Example:
        >>> Discrimination(model=None, discriminator=Discriminator()).model is None
        True
    """

    def __init__(self, *, model: Synthesizer, discriminator: Discriminator, form: Form = "least_squares") -> None:
        super().__init__()
        self.model, self.discriminator, self.form = model, discriminator, FORMS[form]

    def step(self, batch: Batch, query: Query, earlier: Sequence[Answer] = ()) -> TermsAndAnswers:
        """Return ``fake``, about an earlier step's images if there are any, and ``real``; zeros if nothing counts."""
        mask = known_targets(batch, query) & ~among(query.targets, query.sources)  # (B, K)
        if not bool(mask.any()):
            nothing = batch.images.new_zeros(())
            return {"fake": nothing, "real": nothing}, ()
        asked, mask = query.asking(mask.any(0)), mask[:, mask.any(0)]  # (B, K asked)
        fake = without_gradients(self.model, batch, asked, earlier)  # (B, K, *S)
        real = pick(batch.truth, asked.targets)  # (B, K, *S)
        terms = {
            name: selective_sum(self.form(judged(self.discriminator, images, mask, batch, asked), wanted), mask)
            for name, images, wanted in (("fake", fake, 0.0), ("real", real, 1.0))
        }
        return terms, ()


@register("objective", "canvas_discrimination")
class CanvasDiscrimination(Objective):
    """Train a discriminator to find the synthesized modalities of a completed canvas (MM-GAN).

    What exists counts as real on the completed canvas, too, and every modality on the real one. Train the discriminator
    alone; the loss `canvas_adversarial` is the other side.

    Args:
        model: The synthesizer.
        discriminator: What learns.

    Example:
        >>> CanvasDiscrimination(model=None, discriminator=SetDiscriminator()).model is None
        True
    """

    def __init__(self, *, model: Synthesizer, discriminator: SetDiscriminator) -> None:
        super().__init__()
        self.model, self.discriminator = model, discriminator

    def step(self, batch: Batch, query: Query, earlier: Sequence[Answer] = ()) -> TermsAndAnswers:
        """Return ``fake``, about an earlier step's images if there are any, and ``real``; zeros if nothing counts."""
        mask = known_targets(batch, query)  # (B, K)
        if not bool((mask & ~among(query.targets, query.sources)).any()):
            nothing = batch.images.new_zeros(())
            return {"fake": nothing, "real": nothing}, ()
        images = without_gradients(self.model, batch, query, earlier)  # (B, K, *S)
        truth = pick(batch.truth, query.targets)  # (B, K, *S)
        canvas, real, made = completed(Outcome(batch, query, images, truth, mask, Features((), images)))
        exists = batch.available  # (B, M)
        terms = {
            name: canvas_error(self.discriminator(seen, real), wanted.to(real.dtype), exists)
            for name, seen, wanted in (("fake", canvas, ~made), ("real", real, exists))
        }
        return terms, ()
