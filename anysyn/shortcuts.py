"""Shortcuts: what of the sources reaches the answer without passing through the network."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from anysyn.ops import pick
from anysyn.registry import Given, register
from anysyn.types import Query


class Shortcut(nn.Module):
    """Make, from the sources alone, what the decoder's answer is added to."""

    kind: ClassVar[str] = "shortcut"

    def forward(self, images: Tensor, query: Query) -> Tensor:
        """Return (B, K, *S) for images (B, M, *S)."""
        raise NotImplementedError


@register("shortcut", "gain")
class Gain(Shortcut):
    """Add each source times a gain, learned for each pair of source and target, averaged over the sources.

    The gains begin at zero. Between contrasts that look alike, such as T1w before and after gadolinium, they grow to
    about one, and the network only has to draw the difference.

    Args:
        modalities: How many modalities the recipe has.

    Example:
        >>> shortcut = Gain(modalities=2)
        >>> shortcut(torch.ones(1, 2, 4, 4), Query(torch.tensor([[0]]), torch.tensor([[1]]))).abs().sum().item()
        0.0
    """

    def __init__(self, *, modalities: Given[int]) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.zeros(modalities, modalities))

    def forward(self, images: Tensor, query: Query) -> Tensor:
        """Return (B, K, *S) for images (B, M, *S)."""
        gains = self.gains[query.sources.unsqueeze(2), query.targets.unsqueeze(1)]  # (B, J, K)
        sources = pick(images, query.sources)  # (B, J, *S)
        return torch.einsum("bjk,bj...->bk...", gains, sources) / gains.shape[1]  # (B, K, *S)
