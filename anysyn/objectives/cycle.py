"""Synthesis without pairs: the synthesized image must look real, and translating it back must give the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from anysyn.bounds import NotNegative
from anysyn.losses.adversarial import least_squares
from anysyn.objectives.discrimination import without_gradients
from anysyn.objectives.objective import Answer, Objective, TermsAndAnswers
from anysyn.ops import chosen, pick, spread
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Discriminator, Query


@register("objective", "cycle")
class Cycle(Objective):
    """Realism of the synthesized image, and its consistency with the source when translated back (CycleGAN).

    ``mean((D_t(G_t(x)) - 1)^2) + cycle |G_s(G_t(x)) - x| + identity |G_s(x) - x|`` (Zhu et al., ICCV 2017, Eqs. 1 to 3
    and Section 5.2) for a source x of modality s and a target t; in G_s(x) the network takes x for an image of t. No
    target is compared with its truth, which need not exist: `queries: {name: unpaired}`. With an encoder and a decoder
    for each modality, and two of these, G_s and G_t are the two generators of CycleGAN.

    Args:
        model: The synthesizer.
        discriminator: What judges, one for each modality as a rule; `unpaired_discrimination` trains it.
        cycle: Weight of the way back.
        identity: Weight of the identity.

    Raises:
        ValueError: If the discriminator sees sources beside the image: these are pairs.

    Example:
        >>> Cycle(model=None, discriminator=Discriminator()).cycle
        10.0
    """

    def __init__(
        self,
        *,
        model: Synthesizer,
        discriminator: Discriminator,
        cycle: NotNegative = 10.0,
        identity: NotNegative = 5.0,
    ) -> None:
        super().__init__()
        _refuse_pairs(discriminator)
        self.model, self.discriminator, self.cycle, self.identity = model, discriminator, cycle, identity

    def step(self, batch: Batch, query: Query, earlier: Sequence[Answer] = ()) -> TermsAndAnswers:
        """Return the weighted terms and the synthesized images; a sample without its source does not count."""
        there = batch.available.gather(1, query.sources)  # (B, 1)
        source = torch.where(spread(there, batch.images), pick(batch.images, query.sources), 0)  # (B, 1, *S)
        made = self.model(batch, query).images  # (B, 1, *S)
        back = self.model(*_shown_as_target(batch, query, made)).images  # (B, 1, *S)
        same = self.model(*_shown_as_target(batch, query, source)).images  # (B, 1, *S)
        answers = [Answer(self.model, query, made.detach())]
        if not bool(there.any()):
            return {"adversarial": made.sum() * 0, "cycle": back.sum() * 0, "identity": same.sum() * 0}, answers
        scores = self.discriminator(chosen(made, there).unsqueeze(1), query.targets[there])  # (N, 1, *T)
        terms = {
            "adversarial": least_squares(scores, 1.0).mean(),
            "cycle": self.cycle * chosen(back - source, there).abs().mean(),
            "identity": self.identity * chosen(same - source, there).abs().mean(),
        }
        return terms, answers


@register("objective", "unpaired_discrimination")
class UnpairedDiscrimination(Objective):
    """Train a discriminator to distinguish synthesized images from any real image of the same modality.

    ``(mean(D_t(G_t(x))^2) + mean((D_t(y) - 1)^2)) / 2`` for the sources x of a batch and all images y that it has
    of the modalities asked for, of whichever subject. Train the discriminator alone; objective `cycle` is the other
    side.

    Args:
        model: The synthesizer.
        discriminator: What learns.

    Raises:
        ValueError: If the discriminator sees sources beside the image: these are pairs.

    Example:
        >>> type(UnpairedDiscrimination(model=None, discriminator=Discriminator())).__name__
        'UnpairedDiscrimination'
    """

    def __init__(self, *, model: Synthesizer, discriminator: Discriminator) -> None:
        super().__init__()
        _refuse_pairs(discriminator)
        self.model, self.discriminator = model, discriminator

    def step(self, batch: Batch, query: Query, earlier: Sequence[Answer] = ()) -> TermsAndAnswers:
        """Return ``fake``, about an earlier step's images if there are any, and ``real``; zero if nothing is there."""
        there = batch.available.gather(1, query.sources)  # (B, 1)
        made = without_gradients(self.model, batch, query, earlier)  # (B, 1, *S)
        asked = torch.zeros_like(batch.available).scatter(1, query.targets, True).any(0)  # (M,)
        real = batch.available & asked  # (B, M)
        terms = {
            "fake": self._score(chosen(made, there), query.targets[there], 0.0) / 2,
            "real": self._score(chosen(batch.images, real), real.nonzero()[:, 1], 1.0) / 2,
        }
        return terms, ()

    def _score(self, images: Tensor, modalities: Tensor, wanted: float) -> Tensor:
        """Judge images (N, *S) of modalities (N,)."""
        if not len(images):
            return images.new_zeros(())
        return least_squares(self.discriminator(images.unsqueeze(1), modalities), wanted).mean()


def _shown_as_target(batch: Batch, query: Query, images: Tensor) -> tuple[Batch, Query]:
    """Show images (B, 1, *S) as though they were the targets, and ask for the sources."""
    places = spread(query.targets, images).expand_as(images)  # (B, 1, *S)
    canvas = batch.images.to(images.dtype).scatter(1, places, images)  # (B, M, *S)
    return replace(batch, images=canvas, available=batch.available.scatter(1, query.targets, True)), query.reversed()


def _refuse_pairs(discriminator: Discriminator) -> None:
    if discriminator.beside != "nothing":
        raise ValueError(
            f"the discriminator sees the {discriminator.beside} of the sources beside an image, which are pairs; "
            "take one with `beside: nothing`"
        )
