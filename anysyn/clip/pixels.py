"""From a slice or a volume to what an image tower reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from anysyn.ops import spread


@dataclass(frozen=True)
class Pixels:
    """Pad slices to a square, resize them and put them on the scale of the image tower.

    CLIP's own preparation cuts the longer side off; here air is added to the shorter one, so that no anatomy is lost.

    Args:
        side: Pixels along each side.
        mean: Of each channel, on the scale where 1 is white.
        std: Of each channel.

    Example:
        >>> Pixels(side=32, mean=(0.5,) * 3, std=(0.5,) * 3)(torch.ones(2, 1, 20, 24)).shape
        torch.Size([2, 3, 32, 32])
    """

    dimensions: ClassVar[int] = 2
    side: int
    mean: Sequence[float]
    std: Sequence[float]

    def __call__(self, images: Tensor) -> Tensor:
        """Return (B, C, side, side), differentiable, from (B, 1, H, W) of about 0 to 1."""
        height, width = images.shape[2:]
        down, right = (max(height, width) - n for n in (height, width))
        square = F.pad(images.float(), (right // 2, right - right // 2, down // 2, down - down // 2))  # (B, 1, N, N)
        resized = F.interpolate(square, size=(self.side, self.side), mode="bicubic", antialias=True)
        mean, std = (spread(torch.tensor([list(x)]), images) for x in (self.mean, self.std))  # (1, C, 1, 1)
        scaled: Tensor = (resized - mean) / std  # (B, C, side, side)
        return scaled


@dataclass(frozen=True)
class Voxels:
    """Pad volumes to a cube, resize them alike along all axes and put them on the scale from -1 to 1.

    Voxels are averaged in whole blocks first, so that nothing between the new centres is skipped; a cube of twice the
    side is halved by the mean of each 2 x 2 x 2 block.

    Args:
        side: Voxels along each side.

    Example:
        >>> Voxels(side=8)(torch.ones(2, 1, 20, 24, 16)).shape
        torch.Size([2, 1, 8, 8, 8])
    """

    dimensions: ClassVar[int] = 3
    side: int

    def __call__(self, images: Tensor) -> Tensor:
        """Return (B, 1, side, side, side), differentiable, from (B, 1, X, Y, Z) of about 0 to 1."""
        longest = max(images.shape[2:])
        block = max(1, longest // self.side)
        length = block * -(-longest // block)
        missing = [length - n for n in reversed(images.shape[2:])]
        ends = [end for n in missing for end in (n // 2, n - n // 2)]
        cube = F.avg_pool3d(F.pad(images.float(), ends), block)  # (B, 1, n, n, n)
        resized = F.interpolate(cube, size=(self.side,) * 3, mode="trilinear")  # (B, 1, side, side, side)
        return 2 * resized - 1
