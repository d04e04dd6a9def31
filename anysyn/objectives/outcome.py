"""What the losses compare, made of the answer of any network, in a training loop of your own."""

from __future__ import annotations

from torch import Tensor

from anysyn.objectives.synthesis import known_targets
from anysyn.ops import pick
from anysyn.types import Batch, Features, Outcome, Query


def outcome_of(batch: Batch, query: Query, prediction: Tensor, features: Features | None = None) -> Outcome:
    """Return the answer of a network beside its truth, and which targets count.

    A target counts if the sample has it and at least one of the sources; the losses leave out the others.

    Args:
        batch: What exists, with zeros for images that a sample lacks.
        query: What was shown and asked.
        prediction: (B, K, *S), the answer for each target of the query, in its order.
        features: What the network decoded it from, for losses that look at features; none by default.

    Raises:
        ValueError: If the answer has another shape than its truth.

    Example:
        >>> import torch
        >>> from anysyn.losses import L1
        >>> batch = Batch.complete(torch.ones(1, 2, 4, 4))
        >>> outcome = outcome_of(batch, batch.ask(torch.tensor([[0]]), torch.tensor([[1]])), torch.zeros(1, 1, 4, 4))
        >>> L1()(outcome).item()
        1.0
    """
    truth = pick(batch.truth, query.targets)  # (B, K, *S)
    if prediction.shape != truth.shape:
        raise ValueError(
            f"outcome_of: prediction {tuple(prediction.shape)}: give {tuple(truth.shape)}, an image for each of the "
            f"{truth.shape[1]} targets of the query, in its order"
        )
    seen = Features((), prediction) if features is None else features
    return Outcome(batch, query, prediction, truth, known_targets(batch, query), seen)
