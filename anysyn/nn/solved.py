"""Parts that are solved from the training images before the first step."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Generator, Tensor


@runtime_checkable
class Solved(Protocol):
    """Observe training images, some at a time, and then solve the weights."""

    def observe(self, images: Tensor, available: Tensor, generator: Generator) -> None:
        """Add up what images (B, M, *S), of which (B, M) bool exist, say."""

    def solve(self) -> None:
        """Solve the weights from what was observed."""
