"""Weights by which tiles that overlap are blended.

A MONAI bundle takes a copy of this file along, so it imports nothing but what such a bundle has.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEAST = 1e-6  # weight of an output voxel at the very end of a tile


def raised_cosine(share: Tensor) -> Tensor:
    """Return blending weights along a tile, 1 in its middle and near 0 at its ends: ``sin^2(pi share)``, never zero.

    The weights of tiles that overlap by half add up to 1; positions (n,) in the tile are from 0 to 1.

    Example:
        >>> [round(weight, 3) for weight in raised_cosine((torch.arange(4) + 0.5) / 4).tolist()]
        [0.146, 0.854, 0.854, 0.146]
    """
    return torch.sin(math.pi * share).square().clamp(min=LEAST)
