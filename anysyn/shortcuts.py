"""Shortcuts: what of the sources reaches the answer without passing through the network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from anysyn.ops import first_mentions, pick
from anysyn.registry import Given, register
from anysyn.types import Modulate, Query, Site, unmodulated


class Shortcut(nn.Module):
    """Make, from the sources alone, what the decoder's answer is added to; announce the sites."""

    kind: ClassVar[str] = "shortcut"
    sites: Sequence[Site] = ()

    def forward(self, images: Tensor, query: Query, modulate: Modulate = unmodulated) -> Tensor:
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

    def forward(self, images: Tensor, query: Query, modulate: Modulate = unmodulated) -> Tensor:
        """Return (B, K, *S) for images (B, M, *S)."""
        gains = self.gains[query.sources.unsqueeze(2), query.targets.unsqueeze(1)]  # (B, J, K)
        sources = pick(images, query.sources)  # (B, J, *S)
        return torch.einsum("bjk,bj...->bk...", gains, sources) / gains.shape[1]  # (B, K, *S)


@register("shortcut", "pointwise")
class Pointwise(Shortcut):
    """Add what the intensities of all sources at a voxel tell of the target there, by a perceptron without neighbours.

    Where a voxel's answer hardly depends on its neighbours, as between T1w before and after gadolinium or from FLAIR
    and ADC to DWI, this is a regression of the intensity, and the network only has to draw what the regression misses.

    An intensity reaches it as itself and by `hats`: tissues may lie close together in the range, as in an ADC.

    Args:
        modalities: How many modalities the recipe has.
        hidden: Widths of the hidden layers; in front of the ReLU of layer i is the site ``shortcut/block<i>``.
        knots: Intensities from 0 to 1 between which it is linear at first, 2 or more.

    Raises:
        ValueError: If there is no hidden layer, or fewer than two knots.

    Example:
        >>> shortcut = Pointwise(modalities=3, hidden=(16,))
        >>> shortcut(torch.rand(2, 3, 4, 4), Query(torch.tensor([[0, 1]] * 2), torch.tensor([[2]] * 2))).shape
        torch.Size([2, 1, 4, 4])
        >>> [site.name for site in shortcut.sites]
        ['shortcut/block0']
    """

    def __init__(self, *, modalities: Given[int], hidden: Sequence[int] = (64, 64), knots: int = 16) -> None:
        super().__init__()
        if not hidden or knots < 2:
            raise ValueError(f"shortcut: hidden {list(hidden)}, knots {knots}; it needs a hidden layer and two knots")
        self.knots = knots
        self.first = nn.Linear(modalities * (1 + knots), hidden[0])
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in pairwise(hidden))
        self.answer = nn.Linear(hidden[-1], modalities)
        self.sites = [Site(f"shortcut/block{i}", width) for i, width in enumerate(hidden)]

    def forward(self, images: Tensor, query: Query, modulate: Modulate = unmodulated) -> Tensor:
        """Return (B, K, *S) for images (B, M, *S)."""
        voxels = self._first(images, query.sources)  # (B, *S, width)
        for i, layer in enumerate([*self.layers, self.answer]):
            channels = modulate(f"shortcut/block{i}", voxels.movedim(-1, 1))  # (B, width, *S)
            voxels = layer(channels.movedim(1, -1).relu())  # (B, *S, width), at last (B, *S, M)
        return pick(voxels.movedim(-1, 1), query.targets)  # (B, K, *S)

    def _first(self, images: Tensor, sources: Tensor) -> Tensor:
        """Apply the first layer to what is shown alone; the columns of other modalities would meet zeros."""
        intensities = pick(images, sources).flatten(2).transpose(1, 2).unsqueeze(-1).contiguous()  # (B, N, J, 1)
        known = torch.cat([intensities, hats(intensities.squeeze(-1), self.knots)], -1)  # (B, N, J, 1 + knots)
        columns = self.first.weight.T.reshape(images.shape[1], 1 + self.knots, -1)  # (M, 1 + knots, width)
        once = first_mentions(sources).to(columns.dtype)  # (B, J)
        weights = (columns[sources] * once[..., None, None]).flatten(1, 2)  # (B, J * (1 + knots), width)
        rows = torch.baddbmm(self.first.bias, known.flatten(2), weights)  # (B, N, width)
        return rows.reshape(len(images), *images.shape[2:], -1)  # (B, *S, width)


def hats(values: Tensor, knots: int) -> Tensor:
    """Say between which two of evenly spaced knots values lie, and where between them.

    A piecewise linear function of a value with these knots is a weighted sum of the answers (linear B-splines).

    Args:
        values: (...), any numbers; those outside [0, 1] count as its ends.
        knots: How many there are from 0 to 1, 2 or more.

    Returns:
        (..., knots): 1 at a knot, falling to 0 at its neighbours.

    Example:
        >>> hats(torch.tensor([0.0, 0.25, 2.0]), 3)
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 0.5000, 0.0000],
                [0.0000, 0.0000, 1.0000]])
    """
    at = values.clamp(0, 1).unsqueeze(-1) * (knots - 1)  # (..., 1)
    return (1 - (at - torch.arange(knots, device=values.device)).abs()).relu()  # (..., knots)
