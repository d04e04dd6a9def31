"""Shortcuts: what of the sources reaches the answer without passing through the network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from anysyn.nn.arithmetic import affine_at
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
        spatial = images.shape[2:]
        intensities = pick(images, query.sources).flatten(2).transpose(1, 2).unsqueeze(-1).contiguous()  # (B, N, J, 1)
        known = torch.cat([intensities, hats(intensities.squeeze(-1), self.knots)], -1)  # (B, N, J, 1 + knots)
        biases = [layer.get_parameter("bias") for layer in (self.first, *self.layers)]
        weights = [self._shown(query.sources), *(layer.get_parameter("weight").T for layer in self.layers)]
        voxels = known.flatten(2)  # (B, N, I)
        for site, weight, bias in zip(self.sites, weights, biases, strict=True):
            voxels = _layer(voxels, weight, bias, site.name, modulate, spatial).relu()  # (B, N, C)
        answers = self.answer(voxels).transpose(1, 2).reshape(len(images), -1, *spatial)  # (B, M, *S)
        return pick(answers, query.targets)  # (B, K, *S)

    def _shown(self, sources: Tensor) -> Tensor:
        """Return the weights of the first layer for what is shown: (B, I, C); all others would meet zeros."""
        columns = self.first.weight.T.reshape(self.answer.out_features, 1 + self.knots, -1)  # (M, 1 + knots, C)
        once = first_mentions(sources).to(columns.dtype)[..., None, None]  # (B, J, 1, 1)
        weights: Tensor = (columns[sources] * once).flatten(1, 2)  # (B, J * (1 + knots), C)
        return weights


def _layer(
    voxels: Tensor, weight: Tensor, bias: Tensor, site: str, modulate: Modulate, spatial: Sequence[int]
) -> Tensor:
    """Return what a layer, of weights (I, C) or (B, I, C), and what acts at its site make of voxels: (B, N, C)."""
    affine = affine_at(modulate, site)
    if affine is None:
        features = (voxels @ weight + bias).transpose(1, 2).reshape(len(voxels), -1, *spatial)  # (B, C, *S)
        return modulate(site, features).flatten(2).transpose(1, 2)  # (B, N, C)
    weight, bias = weight * affine.scale.unsqueeze(1), bias * affine.scale + affine.shift  # (B, I, C), (B, C)
    return torch.baddbmm(bias.unsqueeze(1), voxels, weight)  # (B, N, C); a pass over all voxels less than the above


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
