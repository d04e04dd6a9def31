"""Two-way synthesis: source and target generate each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anysyn.objectives.synthesis import SynthesisObjective
from anysyn.registry import register
from anysyn.types import Batch, Outcome, Query


@register("objective", "two_way")
class TwoWay(SynthesisObjective):
    """Compare both ways: the sources synthesize the targets and the targets the sources, in one step.

    ``(L(source to target) + L(target to source)) / 2`` for every loss, as in TUMSyn's training. A loss finds the other
    way in the outcome's ``reverse``, so that it may compare the features of both. A pair counts where both of its
    images exist.

    Example:
        >>> from anysyn.losses import L1
        >>> TwoWay(model=None, losses=[L1(weight=2.0)]).losses[0].weight
        2.0
    """

    both_ways = True

    def outcomes(self, batch: Batch, query: Query) -> Sequence[Outcome]:
        """Synthesize both ways; each outcome has the other one as its ``reverse``."""
        there = self.outcome(batch, query)
        back = self.outcome(batch, replace(batch.ask(query.targets, query.sources), time=query.time))
        return there._replace(reverse=back), back._replace(reverse=there)
