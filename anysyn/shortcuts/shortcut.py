"""The contract of a shortcut: what of the sources reaches the answer without passing through the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from anysyn.types import Batch, Modulate, Query, Site, unmodulated


class Shortcut(nn.Module):
    """Make, from the sources alone, what the decoder's answer is added to; announce the sites.

    One that reads from which dataset a sample comes says so by ``reads_dataset``.
    """

    kind: ClassVar[str] = "shortcut"
    sites: Sequence[Site] = ()
    reads_dataset: bool = False

    def forward(self, batch: Batch, query: Query, modulate: Modulate = unmodulated) -> Tensor:
        """Return (B, K, *S) for a batch with images (B, M, *S)."""
        raise NotImplementedError
