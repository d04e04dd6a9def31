"""The gated depth-wise feed-forward network of Restormer, for all planes at once or a few at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GatedFFN(nn.Module):
    """Gated depth-wise feed-forward network of Restormer (Zamir et al., 2022), without biases.

    ``W_out (GELU(a) * b)``, where ``[a; b]`` is a depth-wise convolution of kernel 3 of ``W_in x``.

    Args:
        channels: C.
        expansion: Width of each of ``a`` and ``b``, as a multiple of C.

    Example:
        >>> ffn = GatedFFN(dimensions=3, channels=768, expansion=2)
        >>> sum(parameter.numel() for parameter in ffn.parameters())
        3621888
    """

    def __init__(self, *, dimensions: int, channels: int, expansion: int) -> None:
        super().__init__()
        width = 2 * expansion * channels
        layer = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
        self.widen = nn.Linear(channels, width, bias=False)
        self.neighbours = layer(width, width, 3, padding=1, groups=width, bias=False)
        self.narrow = nn.Linear(width // 2, channels, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        """Map (B, *S, C) to (B, *S, C)."""
        return self._gated(self.widen(rows), padding=1)

    def in_planes(self, rows: Tensor, planes: int) -> Iterator[tuple[slice, Tensor]]:
        """Compute a few planes of the first voxel axis at a time, which bounds the memory; without gradients.

        The neighbouring planes are carried over from one step to the next, so each plane is widened once. The input of
        a plane may be overwritten once its output is there.

        Args:
            rows: (B, *S, C).
            planes: Planes at a time.

        Yields:
            The planes and their output (B, planes, *S without the first axis, C).

        Example:
            >>> ffn, rows = GatedFFN(dimensions=2, channels=4, expansion=1), torch.rand(1, 7, 5, 4)
            >>> with torch.no_grad():
            ...     parts = [part for _, part in ffn.in_planes(rows, planes=3)]
            >>> [part.shape[1] for part in parts], torch.allclose(torch.cat(parts, 1), ffn(rows), atol=1e-6)
            ([3, 3, 1], True)
        """
        length, weight = rows.shape[1], self.widen.weight.to(rows.dtype)
        # One buffer for all steps: allocating a new one each time costs more than the copies.
        window = rows.new_zeros(len(rows), planes + 2, *rows.shape[2:-1], len(weight))  # starts outside the image
        torch.matmul(rows[:, :1], weight.T, out=window[:, 1:2])
        for start in range(0, length, planes):
            stop = min(start + planes, length)
            new, count = rows[:, start + 1 : stop + 1], stop - start
            torch.matmul(new, weight.T, out=window[:, 2 : 2 + new.shape[1]])
            if stop == length:
                window[:, 1 + count] = 0  # outside the image again
            yield slice(start, stop), self._gated(window[:, : count + 2], padding=0)
            window[:, :2] = window[:, count : count + 2].clone()

    def _gated(self, hidden: Tensor, padding: int) -> Tensor:
        weight = self.neighbours.weight
        convolve = {4: F.conv2d, 5: F.conv3d}[weight.ndim]
        around = (padding, *(1,) * (weight.ndim - 3))
        hidden = hidden.movedim(-1, 1)  # (B, 2 expansion C, *S)
        mixed = convolve(hidden, weight, padding=around, groups=len(weight))  # (B, 2 expansion C, *S)
        gate, gated = mixed.movedim(1, -1).chunk(2, -1)  # (B, *S, expansion C) each
        chosen = F.gelu(gate)
        chosen = chosen * gated if torch.is_grad_enabled() else chosen.mul_(gated)
        narrow: Tensor = self.narrow(chosen)  # (B, *S, C)
        return narrow
