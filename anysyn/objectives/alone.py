"""Synthesis from several sources together and from each alone, with the same features and the same images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from anysyn.objectives.synthesis import SynthesisObjective, distinct, label_of
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Features, Loss, Outcome, Query


@register("objective", "alone_and_together")
class AloneAndTogether(SynthesisObjective):
    """Compare the synthesis from all sources, and that from each source alone, with the truth (MM-Synth).

    Every loss is averaged over the J + 1 answers; a last term draws the deepest features of the sources together: the
    variance over the sources, averaged over channels and voxels (Chartsias et al., TMI 2018).

    Args:
        model: The synthesizer; its encoder takes any number of sources.
        losses: Each contributes one term, under its label; labels that occur more than once are numbered.
        agreement: Weight of the variance.

    Example:
        >>> from anysyn.losses import L1
        >>> AloneAndTogether(model=None, losses=[L1()], agreement=0.5).agreement
        0.5
    """

    def __init__(self, *, model: Synthesizer, losses: Sequence[Loss], agreement: float = 1.0) -> None:
        super().__init__(model=model, losses=losses)
        self.agreement = agreement
        *self.labels, self.agreement_label = distinct([*map(label_of, losses), "agreement"])

    def outcomes(self, batch: Batch, query: Query) -> Sequence[Outcome]:
        """Synthesize from all sources together, if there are several, and from each alone."""
        alone = [self.outcome(batch, one) for one in one_source_each(query)]
        return [self.outcome(batch, query), *alone] if len(alone) > 1 else alone

    def terms(self, outcomes: Sequence[Outcome]) -> dict[str, Tensor]:
        """Return the weighted terms, the variance among them."""
        alone = outcomes[1:] or outcomes
        variance = disagreement([outcome.features for outcome in alone])
        return {**super().terms(outcomes), self.agreement_label: self.agreement * variance}


def one_source_each(query: Query) -> Iterator[Query]:
    """Yield one query for each source, with J = 1 and the same targets.

    Example:
        >>> query = Query(torch.tensor([[0, 2]]), torch.tensor([[1]]))
        >>> [one.sources.tolist() for one in one_source_each(query)]
        [[[0]], [[2]]]
    """
    for j in range(query.sources.shape[1]):
        shown = tuple((row[j],) for row in query.source_acquisitions)
        yield replace(query, sources=query.sources[:, j : j + 1], source_acquisitions=shown)


def disagreement(features: Sequence[Features]) -> Tensor:
    """Average the variance of the deepest features over the sources that they come from.

    Args:
        features: Of each source alone.

    Returns:
        A scalar; zero where there is one source.

    Example:
        >>> disagreement([Features((), torch.zeros(1, 2, 3)), Features((), torch.full((1, 2, 3), 2.0))]).item()
        1.0
    """
    return torch.stack([one.deep.float() for one in features]).var(0, unbiased=False).mean()
