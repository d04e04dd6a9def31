"""Supervised synthesis: any list of losses over one outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from torch import Tensor

from anysyn.errors import RecipeError
from anysyn.ops import pick
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Loss, Objective, Outcome, Query


@register("objective", "synthesis")
class SynthesisObjective(Objective):
    """Compare what a synthesizer answers with the truth, by a weighted list of losses.

    A target counts where its truth exists and at least one source was there to be shown. Where the truth is finer than
    the images, known at points, the synthesizer is asked there. An objective that asks both ways sets ``both_ways``.

    Args:
        model: The synthesizer.
        losses: Each contributes one term, named as the recipe names it.

    Raises:
        RecipeError: If a loss compares both ways and the objective asks one alone.

    Example:
        >>> from anysyn.losses import L1
        >>> SynthesisObjective(model=None, losses=[L1()]).losses[0].weight
        1.0
    """

    both_ways: ClassVar[bool] = False

    def __init__(self, *, model: Synthesizer, losses: Sequence[Loss]) -> None:
        super().__init__()
        if not self.both_ways:
            _refuse_both_ways(losses)
        self.model, self.losses = model, losses

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return the weighted terms."""
        outcome = self.outcome(batch, query)
        return {term_of(loss): loss.weight * loss(outcome) for loss in self.losses}

    def outcome(self, batch: Batch, query: Query) -> Outcome:
        """Answer a query, beside the truth; a target of which no sample has a truth is not asked for.

        Raises:
            RecipeError: If a loss looks at whole images and the truth is known at points alone.
        """
        if batch.points is not None:
            refuse_whole_images(self.losses)
        mask = known_targets(batch, query)  # (B, K)
        some = mask.any(0)  # (K,)
        if bool(some.any()) and not bool(some.all()):  # what belongs to the others alone then gets no gradient at all
            query, mask = query.asking(some), mask[:, some]
        prediction, features = self.model(batch, query, batch.points)
        truth = pick(batch.truth, query.targets)  # (B, K, *S) or (B, K, Q)
        return Outcome(batch, query, prediction, truth, mask, features)


def known_targets(batch: Batch, query: Query) -> Tensor:
    """Tell which targets count: (B, K) bool, where a truth exists and at least one source was there to be shown.

    Args:
        batch: What exists.
        query: What is shown and asked.
    """
    shown = batch.available.gather(1, query.sources).any(1, keepdim=True)  # (B, 1)
    return shown & batch.available.gather(1, query.targets)  # (B, K)


def term_of(loss: Loss) -> str:
    """Name a loss as recipes and logs do.

    Example:
        >>> from anysyn.losses import L1, FeatureL1
        >>> term_of(L1()), term_of(FeatureL1())
        ('l1', 'feature_l1')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(loss).__name__).lower()


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


def _refuse_both_ways(losses: Iterable[Loss]) -> None:
    for loss in losses:
        if loss.both_ways:
            raise RecipeError(
                f"loss {term_of(loss)!r} compares the features of source and target, but this objective synthesizes "
                "one way alone; take objective two_way, or leave the loss out"
            )
