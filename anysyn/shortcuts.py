"""Shortcuts: what of the sources reaches the answer without passing through the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from anysyn.nn.mlp import MLP
from anysyn.ops import pick, shown
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

    Between contrasts that look alike, such as T1w before and after gadolinium, the network then only has to draw the
    difference.

    Args:
        modalities: How many modalities the recipe has.
        initial: Every gain before training: at 1 the network begins by adding to the source, at 0 by itself.

    Example:
        >>> shortcut = Gain(modalities=2, initial=0.5)
        >>> shortcut(torch.ones(1, 2, 4, 4), Query(torch.tensor([[0]]), torch.tensor([[1]]))).mean().item()
        0.5
    """

    def __init__(self, *, modalities: Given[int], initial: float = 0.0) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.full((modalities, modalities), initial))

    def forward(self, images: Tensor, query: Query) -> Tensor:
        """Return (B, K, *S) for images (B, M, *S)."""
        gains = self.gains[query.sources.unsqueeze(2), query.targets.unsqueeze(1)]  # (B, J, K)
        sources = pick(images, query.sources)  # (B, J, *S)
        return torch.einsum("bjk,bj...->bk...", gains, sources) / gains.shape[1]  # (B, K, *S)


@register("shortcut", "pointwise")
class Pointwise(Shortcut):
    """Add what the intensities of all sources at a voxel tell of the target there, by a perceptron without neighbours.

    Where a voxel's answer hardly depends on its neighbours, as between T1w before and after gadolinium or from FLAIR
    and ADC to DWI, this is a regression of the intensity, and the network only has to draw what the regression misses.

    Args:
        modalities: How many modalities the recipe has.
        hidden: Widths of the hidden layers.

    Example:
        >>> shortcut = Pointwise(modalities=3, hidden=(16,))
        >>> shortcut(torch.rand(2, 3, 4, 4), Query(torch.tensor([[0, 1]] * 2), torch.tensor([[2]] * 2))).shape
        torch.Size([2, 1, 4, 4])
    """

    def __init__(self, *, modalities: Given[int], hidden: Sequence[int] = (32, 32)) -> None:
        super().__init__()
        self.answers = MLP(2 * modalities, hidden, modalities)

    def forward(self, images: Tensor, query: Query) -> Tensor:
        """Return (B, K, *S) for images (B, M, *S)."""
        told = shown(torch.ones_like(images), query.sources)  # (B, M, *S)
        voxels = torch.cat([shown(images, query.sources), told], 1).movedim(1, -1)  # (B, *S, 2M)
        return pick(self.answers(voxels).movedim(-1, 1), query.targets)  # (B, K, *S)
