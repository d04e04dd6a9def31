"""Supervised synthesis: any list of losses over one outcome."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.ops import pick
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Loss, Objective, Outcome, Query


@register("objective", "synthesis")
class SynthesisObjective(Objective):
    """Compare what a synthesizer answers with the truth, by a weighted list of losses.

    A target counts where its truth exists and at least one source was there to be shown.

    Args:
        model: The synthesizer.
        losses: Each contributes one term, named as the recipe names it.

    Example:
        >>> from anysyn.losses import L1
        >>> SynthesisObjective(model=None, losses=[L1()]).losses[0].weight
        1.0
    """

    def __init__(self, *, model: Synthesizer, losses: Sequence[Loss]) -> None:
        super().__init__()
        self.model, self.losses = model, losses

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return the weighted terms."""
        prediction, features = self.model(batch, query)
        truth = pick(batch.images, query.targets)  # (B, K, *S)
        shown = batch.available.gather(1, query.sources).any(1, keepdim=True)  # (B, 1)
        mask = shown & batch.available.gather(1, query.targets)  # (B, K)
        outcome = Outcome(batch, query, prediction, truth, mask, features)
        return {type(loss).__name__.lower(): loss.weight * loss(outcome) for loss in self.losses}
