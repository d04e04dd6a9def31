"""A shortcut that adds the scaled sources."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anysyn.ops import at_least_float32, in_float32, pick
from anysyn.registry import Given, register
from anysyn.shortcuts.shortcut import Shortcut
from anysyn.types import Batch, Query


@register("shortcut", "gain")
class Gain(Shortcut):
    """Mean of the sources, each times a gain that is learned for each pair of source and target.

    Between similar contrasts, such as T1w before and after gadolinium, the network then only has to learn the
    difference.

    Args:
        modalities: Number of modalities in the recipe.
        initial: Initial value of every gain: with 1 the network starts from the source, with 0 without it.

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
        with in_float32(sources.device):
            return torch.einsum("bjk,bj...->bk...", gains, at_least_float32(sources)) / gains.shape[1]  # (B, K, *S)
