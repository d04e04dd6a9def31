"""Supervised synthesis: any list of losses over one outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor

from anysyn.ops import pick
from anysyn.registry import RecipeError, register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Loss, Objective, Outcome, Query


@register("objective", "synthesis")
class SynthesisObjective(Objective):
    """Compare what a synthesizer answers with the truth, by a weighted list of losses.

    A target counts where its truth exists and at least one source was there to be shown. Where the truth is finer than
    the images, known at points, the synthesizer is asked there.

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
        outcome = self.outcome(batch, query)
        return {term_of(loss): loss.weight * loss(outcome) for loss in self.losses}

    def outcome(self, batch: Batch, query: Query) -> Outcome:
        """Answer a query, beside the truth.

        Raises:
            RecipeError: If a loss looks at whole images and the truth is known at points alone.
        """
        if batch.points is not None:
            refuse_whole_images(self.losses)
        prediction, features = self.model(batch, query, batch.points)
        truth = pick(batch.truth, query.targets)  # (B, K, *S) or (B, K, Q)
        shown = batch.available.gather(1, query.sources).any(1, keepdim=True)  # (B, 1)
        mask = shown & batch.available.gather(1, query.targets)  # (B, K)
        return Outcome(batch, query, prediction, truth, mask, features)


def term_of(loss: Loss) -> str:
    """Name a loss as recipes and logs do.

    Example:
        >>> from anysyn.losses import L1
        >>> term_of(L1())
        'l1'
    """
    return type(loss).__name__.lower()


def refuse_whole_images(losses: Iterable[Loss]) -> None:
    """Raise if a loss needs whole images, where the truth is known at points alone.

    Raises:
        RecipeError: Naming the loss and the remedy.
    """
    for loss in losses:
        if loss.whole_images:
            raise RecipeError(
                f"loss {term_of(loss)!r} looks at whole images, but this view knows the truth at points alone; "
                "leave the loss out, or take a view without points: slices, slabs or patches"
            )
