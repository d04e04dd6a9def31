"""The contract of a blend: what becomes of the answers of a network that is trained."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from anysyn.points import Places
from anysyn.types import Batch, Outcome, Query


class Blend(nn.Module):
    """Mix a network's answers with others; weigh them on the training images, once, when the training is over."""

    kind: ClassVar[str] = "blend"

    @property
    def solved(self) -> bool:
        """Return whether it has been solved; before that it leaves the answers as they are."""
        raise NotImplementedError

    def forward(self, answers: Tensor, batch: Batch, query: Query, places: Places | None = None) -> Tensor:
        """Return answers (B, K, *S), (B, K, Q) or (B, K, *N) about a batch, mixed."""
        raise NotImplementedError

    def weigh(self, outcome: Outcome) -> None:
        """Add up what the network's own answers to a query of the training images are worth."""
        raise NotImplementedError

    def solve(self) -> None:
        """Solve how to mix from what was weighed."""
        raise NotImplementedError
