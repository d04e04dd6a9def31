"""The contract of an objective: what a training step minimises, and the images that it leaves to later steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from anysyn.ops import beside
from anysyn.types import Batch, Query


class Answer(NamedTuple):
    """Images that a training step synthesized for a batch, for the steps that follow on the same batch.

    Args:
        model: The network that synthesized them.
        query: Its sources and targets.
        images: (B, K, *S), without gradients.
    """

    model: nn.Module
    query: Query
    images: Tensor

    def images_of(self, model: nn.Module, query: Query) -> Tensor | None:
        """Return the images (B, K, *S) of a query's targets, or None if these were not synthesized.

        Args:
            model: The network that has to have synthesized them.
            query: Sources and targets; other sources, another time or other acquisitions give other images.

        Example:
            >>> model, sources = nn.Identity(), torch.tensor([[0]])
            >>> answer = Answer(model, Query(sources, torch.tensor([[1, 2]])), torch.tensor([[10.0, 20.0]]))
            >>> answer.images_of(model, Query(sources, torch.tensor([[2]])))
            tensor([[20.]])
            >>> answer.images_of(model, Query(sources, torch.tensor([[3]]))) is None
            True
        """
        if model is not self.model or query.time is not self.query.time:
            return None
        same = (self.query.targets.unsqueeze(2) == query.targets.unsqueeze(1)).all(0)  # (K synthesized, K)
        columns = same.int().argmax(0).tolist()
        records = tuple(tuple(row[k] for k in columns) for row in self.query.target_acquisitions)
        known = self.query.source_acquisitions == query.source_acquisitions and records == query.target_acquisitions
        alike = known and bool(same.any(0).all()) and torch.equal(self.query.sources, query.sources)
        return self.images[:, beside(torch.tensor(columns), self.images)] if alike else None  # (B, K, *S)


TermsAndAnswers = tuple[dict[str, Tensor], Sequence[Answer]]


class Objective(nn.Module):
    """Turn a batch and a query into named, already weighted loss terms; a subclass defines `forward` or `step`.

    One that compares with what other processes of the training computed (`anysyn.objectives.gathering`) sets
    ``gathers``: its gradients are averaged after the backward pass, in which it talks to them itself.
    """

    kind: ClassVar[str] = "objective"
    gathers: ClassVar[bool] = False

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return the terms; their sum is minimised."""
        return self.step(batch, query)[0]

    def step(self, batch: Batch, query: Query, earlier: Sequence[Answer] = ()) -> TermsAndAnswers:
        """Return the terms, and the images synthesized on the way that a later step may use.

        Args:
            batch: The images that exist.
            query: Sources and targets.
            earlier: The images that earlier steps synthesized for this batch, in their order.
        """
        return self(batch, query), ()
