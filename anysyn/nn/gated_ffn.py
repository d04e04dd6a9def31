"""The gated depth-wise feed-forward network of Restormer, and how to run such a thing plane by plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GatedFFN(nn.Module):
    """Mix the channels, look at the neighbours of each voxel, gate one half by the other, mix again.

    The gated depth-wise feed-forward network of Restormer (Zamir et al., 2022), without biases:
    ``W_out (GELU(a) * b)`` where ``[a; b]`` is a depth-wise convolution of three voxels along each axis on ``W_in x``.

    Args:
        dimensions: Voxel axes, 2 or 3.
        channels: C.
        expansion: How many times wider each of the two halves is.

    Example:
        >>> ffn = GatedFFN(dimensions=3, channels=768, expansion=2)
        >>> sum(parameter.numel() for parameter in ffn.parameters())
        3621888
    """

    def __init__(self, *, dimensions: int, channels: int, expansion: int) -> None:
        super().__init__()
        width = 2 * expansion * channels
        layer = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
        self.spread = nn.Linear(channels, width, bias=False)
        self.neighbours: nn.Conv2d | nn.Conv3d = layer(width, width, 3, padding=1, groups=width, bias=False)
        self.gather = nn.Linear(width // 2, channels, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        """Map (B, *S, C) to (B, *S, C)."""
        return self.answer(self.spread(rows))

    def answer(self, hidden: Tensor, *, halo: bool = False) -> Tensor:
        """Do all but the first step.

        Args:
            hidden: (B, *S, 2 expansion C), the first step's answer.
            halo: Whether the first and the last plane are there for their neighbours only.

        Returns:
            (B, *S, C), without the planes of the halo.
        """
        padding = (0 if halo else 1, *(1,) * (hidden.ndim - 3))
        convolve = {2: F.conv2d, 3: F.conv3d}[hidden.ndim - 2]
        weight = self.neighbours.weight
        mixed = convolve(hidden.movedim(-1, 1), weight, None, 1, padding, 1, weight.shape[0])
        gate, gated = mixed.movedim(1, -1).chunk(2, -1)  # (B, *S, expansion C) each
        return cast(Tensor, self.gather(F.gelu(gate) * gated))  # (B, *S, C)

    def in_planes(self, rows: Callable[[slice], Tensor], length: int, planes: int) -> Iterator[tuple[slice, Tensor]]:
        """Go through an image a few planes of its first axis at a time; each plane is mixed once.

        Args:
            rows: Returns the input (B, n, *S without its first axis, C) of some planes.
            length: Planes of the image.
            planes: Planes at a time.

        Yields:
            Which planes, and their answers.

        Example:
            >>> ffn, x = GatedFFN(dimensions=2, channels=4, expansion=1), torch.rand(1, 7, 5, 4)
            >>> parts = [answer for _, answer in ffn.in_planes(lambda some: x[:, some], 7, planes=3)]
            >>> torch.allclose(torch.cat(parts, 1), ffn(x), atol=1e-6)
            True
        """
        done = min(planes + 1, length)
        hidden = self.spread(rows(slice(0, done)))
        edge = torch.zeros_like(hidden[:, :1])  # beyond the image
        hidden = torch.cat([edge, hidden], 1)
        for start in range(0, length, planes):
            stop = min(start + planes, length)
            last = [edge] if stop == length else []
            yield slice(start, stop), self.answer(torch.cat([hidden, *last], 1) if last else hidden, halo=True)
            ...
        return
