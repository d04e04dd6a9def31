"""The contract of a shortcut: what of the sources reaches the answer without passing through the network."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from anysyn.types import Batch, Query


class Shortcut(nn.Module):
    """Make, from the sources alone, what the decoder's answer is added to."""

    kind: ClassVar[str] = "shortcut"

    def forward(self, batch: Batch, query: Query) -> Tensor:
        """Return (B, K, *S) for a batch with images (B, M, *S)."""
        raise NotImplementedError
