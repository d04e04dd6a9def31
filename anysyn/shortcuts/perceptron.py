"""A shortcut that learns what the intensities at a voxel and near it tell."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from anysyn.nn.arithmetic import affine_at
from anysyn.ops import first_mentions, pick
from anysyn.registry import Given, register
from anysyn.shortcuts.intensities import hats, neighbours
from anysyn.shortcuts.shortcut import Shortcut
from anysyn.types import Batch, Modulate, Query, Site, unmodulated


@register("shortcut", "perceptron")
class Perceptron(Shortcut):
    """Add what the intensities of all sources at a voxel, and near it, tell of the target there.

    Where a voxel's answer depends on little else, as between T1w before and after gadolinium or from FLAIR and ADC to
    DWI, this is a regression of the intensity, and the network only has to draw what the regression misses. With
    neighbours it can tell noise from tissue.

    An intensity reaches it as itself and by `hats`: tissues may lie close together in the range, as in an ADC. Its
    neighbours reach it as they are.

    Args:
        modalities: How many modalities the recipe has.
        dimensions: Axes along which a voxel has neighbours; slices of a slab are none of each other.
        hidden: Widths of the hidden layers; in front of the ReLU of layer i is the site ``shortcut/block<i>``.
        knots: Intensities from 0 to 1 between which it is linear at first, 2 or more.
        reach: How many voxels away a neighbour is at the most, along each axis; 0 for a voxel by itself.

    Raises:
        ValueError: If there is no hidden layer, fewer than two knots, or a reach below 0.

    Example:
        >>> shortcut = Perceptron(modalities=3, hidden=(16,), reach=1)
        >>> batch = Batch.complete(torch.rand(2, 3, 4, 4))
        >>> shortcut(batch, Query(torch.tensor([[0, 1]] * 2), torch.tensor([[2]] * 2))).shape
        torch.Size([2, 1, 4, 4])
        >>> [site.name for site in shortcut.sites]
        ['shortcut/block0']
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int] = 2,
        hidden: Sequence[int] = (64, 64),
        knots: int = 16,
        reach: int = 0,
    ) -> None:
        super().__init__()
        if not hidden or knots < 2 or reach < 0:
            raise ValueError(
                f"shortcut: hidden {list(hidden)}, knots {knots}, reach {reach}; it needs a hidden layer, two knots "
                "and a reach of 0 or more"
            )
        self.knots, self.reach, self.dimensions = knots, reach, dimensions
        self.first = nn.Linear(modalities * (knots + (2 * reach + 1) ** dimensions), hidden[0])
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in pairwise(hidden))
        self.answer = nn.Linear(hidden[-1], modalities)
        self.sites = [Site(f"shortcut/block{i}", width) for i, width in enumerate(hidden)]

    def forward(self, batch: Batch, query: Query, modulate: Modulate = unmodulated) -> Tensor:
        """Return (B, K, *S) for a batch with images (B, M, *S)."""
        spatial = batch.images.shape[2:]
        biases = [layer.get_parameter("bias") for layer in (self.first, *self.layers)]
        weights = [self._shown(query.sources), *(layer.get_parameter("weight").T for layer in self.layers)]
        voxels = self._known(pick(batch.images, query.sources)).flatten(2)  # (B, N, I)
        for site, weight, bias in zip(self.sites, weights, biases, strict=True):
            voxels = _layer(voxels, weight, bias, site.name, modulate, spatial).relu()  # (B, N, C)
        answers = self.answer(voxels).transpose(1, 2).reshape(len(voxels), -1, *spatial)  # (B, M, *S)
        return pick(answers, query.targets)  # (B, K, *S)

    def _known(self, sources: Tensor) -> Tensor:
        """Lay out what is known of each voxel of sources (B, J, *S): (B, N, J, what)."""
        around = neighbours(sources, self.reach, self.dimensions).flatten(2, -2).transpose(1, 2)  # (B, N, J, P)
        intensities = sources.flatten(2).transpose(1, 2)  # (B, N, J)
        return torch.cat([around, hats(intensities, self.knots)], -1)  # (B, N, J, P + knots)

    def _shown(self, sources: Tensor) -> Tensor:
        """Return the weights of the first layer for what is shown: (B, I, C); all others would meet zeros."""
        columns = self.first.weight.T.reshape(self.answer.out_features, -1, self.first.out_features)  # (M, what, C)
        once = first_mentions(sources).to(columns.dtype)[..., None, None]  # (B, J, 1, 1)
        weights: Tensor = (columns[sources] * once).flatten(1, 2)  # (B, J * what, C)
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
