"""A shortcut that adds the sources themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anysyn.ops import pick
from anysyn.registry import Given, register
from anysyn.shortcuts.shortcut import Shortcut
from anysyn.types import Batch, Query


@register("shortcut", "gain")
class Gain(Shortcut):
    """Add each source times a gain, learned for each pair of source and target, averaged over the sources.

    Between contrasts that look alike, such as T1w before and after gadolinium, the network then only has to draw the
    difference.

    Args:
        modalities: How many modalities the recipe has.
        initial: Every gain before training: at 1 the network begins by adding to the source, at 0 by itself.

    Example:
        >>> shortcut = Gain(modalities=2, initial=0.5)
        >>> batch = Batch.complete(torch.ones(1, 2, 4, 4))
        >>> shortcut(batch, Query(torch.tensor([[0]]), torch.tensor([[1]]))).mean().item()
        0.5
    """

    def __init__(self, *, modalities: Given[int], initial: float = 0.0) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.full((modalities, modalities), initial))

    def forward(self, batch: Batch, query: Query) -> Tensor:
        """Return (B, K, *S) for a batch with images (B, M, *S)."""
        gains = self.gains[query.sources.unsqueeze(2), query.targets.unsqueeze(1)]  # (B, J, K)
        sources = pick(batch.images, query.sources)  # (B, J, *S)
        return torch.einsum("bjk,bj...->bk...", gains, sources) / gains.shape[1]  # (B, K, *S)
