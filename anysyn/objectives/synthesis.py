"""Supervised synthesis: any list of losses over one outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import count
from typing import ClassVar

import torch
from torch import Tensor

from anysyn.bounds import AtLeastOne
from anysyn.errors import RecipeError
from anysyn.objectives.objective import Answer, Objective, TermsAndAnswers
from anysyn.ops import pick
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Loss, Outcome, Query


@register("objective", "synthesis")
class SynthesisObjective(Objective):
    """Compare synthesized images with the truth by a weighted list of losses.

    A target counts where its truth exists and at least one source was there to be shown. Where the truth is finer than
    the images, known at points, the synthesizer is asked there. An objective that asks both ways sets ``both_ways``.

    Args:
        model: The synthesizer.
        losses: Each contributes one term, under its label; labels that occur more than once are numbered.

    Raises:
        RecipeError: If a loss compares both ways and the objective asks one alone.

    Example:
        >>> from anysyn.losses import L1
        >>> SynthesisObjective(model=None, losses=[L1()]).losses[0].weight
        1.0
    """

    both_ways: ClassVar[bool] = False

    def __init__(self, *, model: Synthesizer, losses: AtLeastOne[Loss]) -> None:
        super().__init__()
        if not self.both_ways:
            _refuse_both_ways(losses)
        self.model, self.losses = model, losses
        self.labels = distinct([label_of(loss) for loss in losses])

    def step(self, batch: Batch, query: Query, earlier: Sequence[Answer] = ()) -> TermsAndAnswers:
        """Return the weighted terms and the synthesized images, unless they are values at points."""
        outcomes = self.outcomes(batch, query)
        first = outcomes[0]
        answers = [Answer(self.model, first.query, first.prediction.detach())] if batch.points is None else []
        return self.terms(outcomes), answers

    def terms(self, outcomes: Sequence[Outcome]) -> dict[str, Tensor]:
        """Return the weighted terms: each loss is averaged over the outcomes."""
        return {
            label: loss.weight * torch.stack([loss(outcome) for outcome in outcomes]).mean()
            for label, loss in zip(self.labels, self.losses, strict=True)
        }

    def outcomes(self, batch: Batch, query: Query) -> Sequence[Outcome]:
        """Synthesize whatever the losses compare; the first outcome is that of the query itself."""
        return [self.outcome(batch, query)]

    def outcome(self, batch: Batch, query: Query) -> Outcome:
        """Synthesize the targets of a query, with their truth; targets whose truth no sample has are left out.

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
    """Return which targets count, (B, K) bool: those that have a truth and at least one available source."""
    shown = batch.available.gather(1, query.sources).any(1, keepdim=True)  # (B, 1)
    return shown & batch.available.gather(1, query.targets)  # (B, K)


def label_of(loss: Loss) -> str:
    """Return the label that the build gave a loss, or the name of its class if it was not built from a recipe.

    Example:
        >>> from anysyn.losses import FeatureL1
        >>> label_of(FeatureL1())
        'feature_l1'
    """
    return loss.label or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(loss).__name__).lower()


def distinct(names: Sequence[str]) -> list[str]:
    """Number the names that occur more than once, so that each of them is another one.

    Example:
        >>> distinct(["l1", "mse", "l1"])
        ['l1_1', 'mse', 'l1_2']
    """
    alone, labels = {name for name in names if names.count(name) == 1}, list[str]()
    for name in names:
        numbered = (f"{name}_{number}" for number in count(1))
        free = (label for label in numbered if label not in alone and label not in labels)
        labels.append(name if name in alone else next(free))
    return labels


def refuse_whole_images(losses: Iterable[Loss]) -> None:
    """Raise a `RecipeError` if a loss needs whole images, since the truth is known at points alone."""
    for loss in losses:
        if loss.whole_images:
            raise RecipeError(
                f"loss {label_of(loss)!r} looks at whole images, but this view knows the truth at points alone; "
                "leave the loss out, or take a view without points: slices, slabs or patches"
            )


def _refuse_both_ways(losses: Iterable[Loss]) -> None:
    for loss in losses:
        if loss.both_ways:
            raise RecipeError(
                f"loss {label_of(loss)!r} compares the features of source and target, but this objective synthesizes "
                "one way alone; take objective two_way, or leave the loss out"
            )
