"""The contract of a shortcut: what of the sources reaches the answer without passing through the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from anysyn.types import Modulate, Query, Site, unmodulated


class Shortcut(nn.Module):
    """Make, from the sources alone, what the decoder's answer is added to; announce the sites."""

    kind: ClassVar[str] = "shortcut"
    sites: Sequence[Site] = ()

    def forward(self, images: Tensor, query: Query, modulate: Modulate = unmodulated) -> Tensor:
        """Return (B, K, *S) for images (B, M, *S)."""
        raise NotImplementedError
