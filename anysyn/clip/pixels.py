"""From a slice to what an image tower reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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

    side: int
    mean: Sequence[float]
    std: Sequence[float]

    def __call__(self, images: Tensor) -> Tensor:
        """Return (B, C, side, side), differentiable, from (B, 1, H, W) of about 0 to 1."""
        height, width = images.shape[2:]
        down, right = (max(height, width) - n for n in (height, width))
        square = F.pad(images.float(), (right // 2, right - right // 2, down // 2, down - down // 2))  # (B, 1, N, N)
        resized = F.interpolate(square, size=(self.side, self.side), mode="bicubic", antialias=True)
        mean, std = (torch.tensor([list(x)], device=images.device) for x in (self.mean, self.std))  # (1, C)
        scaled: Tensor = (resized - spread(mean, images)) / spread(std, images)  # (B, C, side, side)
        return scaled
