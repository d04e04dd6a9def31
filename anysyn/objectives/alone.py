"""Synthesis from several sources together and from each alone, with the same features and the same images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from anysyn.bounds import AtLeastOne, NotNegative
from anysyn.objectives.synthesis import SynthesisObjective, distinct, label_of
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Loss, Outcome, Query


@register("objective", "alone_and_together")
class AloneAndTogether(SynthesisObjective):
    """Compare the synthesis from all sources, and that from each source alone, with the truth (MM-Synth).

    Every loss is averaged over the J + 1 answers; a last term draws the deepest features of the sources together: the
    variance over the sources, averaged over channels and voxels (Chartsias et al., TMI 2018).

    Args:
        model: The synthesizer; its encoder takes any number of sources.
        agreement: Weight of the variance.

    Example:
        >>> from anysyn.losses import L1
        >>> AloneAndTogether(model=None, losses=[L1()], agreement=0.5).agreement
        0.5
    """

    def __init__(self, *, model: Synthesizer, losses: AtLeastOne[Loss], agreement: NotNegative = 1.0) -> None:
        super().__init__(model=model, losses=losses)
        self.agreement = agreement
        *self.labels, self.agreement_label = distinct([*map(label_of, losses), "agreement"])

    def outcomes(self, batch: Batch, query: Query) -> Sequence[Outcome]:
        """Synthesize from all sources together, if there are several, and from each alone."""
        alone = [self.outcome(batch, one) for one in _one_source_each(query)]
        return [self.outcome(batch, query), *alone] if len(alone) > 1 else alone

    def terms(self, outcomes: Sequence[Outcome]) -> dict[str, Tensor]:
        """Return the weighted terms, the variance among them."""
        alone = outcomes[1:] or outcomes
        variance = torch.stack([outcome.features.deep.float() for outcome in alone]).var(0, unbiased=False).mean()
        return {**super().terms(outcomes), self.agreement_label: self.agreement * variance}


def _one_source_each(query: Query) -> Iterator[Query]:
    for j in range(query.sources.shape[1]):
        shown = tuple((row[j],) for row in query.source_acquisitions)
        yield replace(query, sources=query.sources[:, j : j + 1], source_acquisitions=shown)
