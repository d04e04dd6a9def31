"""Text tokens query the voxels, and their answer gates the channels of all voxels."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable

import torch
from torch import Tensor, nn

from anysyn.nn.attention import attended, key_lengths, read
from anysyn.nn.gated_ffn import GatedFFN


class TextFusion(nn.Module):
    """Gate the channels by what the text learns of the voxels, then norm, gated feed-forward network, norm.

    With ``a`` the adapted text, ``v`` the attention of ``a`` to the voxels and LN a norm over the channels:
    ``y = LN(x * (a + v))``, ``LN(y + FFN(y))``. Without gradients it goes through the voxels a few at a time.

    Args:
        dimensions: Voxel axes, 2 or 3.
        width: Numbers of a text token.
        channels: C of the features.
        heads: Heads of the attention.
        temperature: Where that of each head begins; cosines are divided by it.
        expansion: Expansion of the feed-forward network.
        residual: Whether ``a`` is added; otherwise the gate is ``v`` alone.
        chunk: Voxels at a time without gradients, over all samples.

    Example:
        >>> fusion = TextFusion(dimensions=2, width=5, channels=8, heads=2)
        >>> fusion(torch.rand(3, 8, 6, 7), torch.rand(3, 1, 5)).shape
        torch.Size([3, 8, 6, 7])
    """

    def __init__(
        self,
        *,
        dimensions: int,
        width: int,
        channels: int,
        heads: int,
        temperature: float = 0.1,
        expansion: int = 2,
        residual: bool = True,
        chunk: int = 8192,
    ) -> None:
        super().__init__()
        self.residual, self.chunk = residual, chunk
        self.adapter = nn.Sequential(nn.Linear(width, channels), nn.ReLU(), nn.Linear(channels, channels))
        self.query, self.key, self.value, self.answer = (nn.Linear(channels, channels) for _ in range(4))
        self.log_temperature = nn.Parameter(torch.full((heads,), math.log(temperature)))
        self.lengths = Remembered(self._lengths)
        self.inner, self.outer = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.ffn = GatedFFN(dimensions=dimensions, channels=channels, expansion=expansion)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Fuse the two.

        Args:
            features: (B, C, *S).
            tokens: (B, L, width); their gates are averaged.

        Returns:
            (B, C, *S), with the channels of a voxel side by side in memory.
        """
        gate = self.gate(features, tokens)  # (B, C)
        if torch.is_grad_enabled():
            rows = self._gated(features, gate)  # (B, *S, C)
            fused: Tensor = self.outer(rows + self.ffn(rows))  # (B, *S, C)
            return fused.movedim(-1, 1)  # (B, C, *S)
        return self._in_planes(features, gate)

    def gate(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Return what the channels are multiplied by: (B, C). The order of the voxels does not matter.

        Args:
            features: (B, C, *S).
            tokens: (B, L, width).
        """
        text = self.adapter(tokens)  # (B, L, C)
        queries = self.query(text).unflatten(-1, (len(self.log_temperature), -1))  # (B, L, H, C / H)
        lengths = self.lengths(features, self.key.weight, self.key.bias)  # (B, H, N)
        averages = attended(features, queries, self.key, lengths, self.log_temperature.exp())  # (B, L, H, C)
        found: Tensor = self.answer(read(averages, self.value))  # (B, L, C)
        return (text + found if self.residual else found).mean(1)  # (B, C)

    def _lengths(self, features: Tensor, *_: Tensor) -> Tensor:
        chunk = features[:, 0].numel() if torch.is_grad_enabled() else max(1, self.chunk // len(features))
        return key_lengths(features, self.key, len(self.log_temperature), chunk)  # (B, H, N)

    def _gated(self, features: Tensor, gate: Tensor) -> Tensor:
        apart = (1,) * (features.ndim - 2)
        rows: Tensor = self.inner(features.movedim(1, -1) * gate.reshape(len(gate), *apart, -1))  # (B, *S, C)
        return rows

    def _in_planes(self, features: Tensor, gate: Tensor) -> Tensor:
        planes = max(1, self.chunk // features[:, 0, 0].numel())
        rows = features.new_empty(features.movedim(1, -1).shape)  # (B, *S, C)
        for start in range(0, rows.shape[1], planes):
            some = slice(start, start + planes)
            rows[:, some] = self._gated(features[:, :, some], gate)
        for some, answer in self.ffn.in_planes(rows, planes):
            rows[:, some] = self.outer(rows[:, some] + answer)
        return rows.movedim(-1, 1)  # (B, C, *S)


class Remembered:
    """Compute a function of tensors, and answer at once where the last call was about the very same tensors.

    Tensors are the same if they are one object that nobody has changed since, which those of inference mode cannot
    tell; they are not kept alive. With gradients nothing is remembered, since a graph serves once.

    Args:
        compute: The function.

    Example:
        >>> calls = []
        >>> double = Remembered(lambda x: calls.append(1) or 2 * x)
        >>> x = torch.ones(3)
        >>> with torch.no_grad():
        ...     twice = double(x) is double(x)
        >>> twice, len(calls)
        (True, 1)
    """

    def __init__(self, compute: Callable[..., Tensor]) -> None:
        self.compute = compute
        self._of: tuple[tuple[weakref.ref[Tensor], int], ...] = ()
        self._answer = torch.empty(0)

    def __call__(self, *tensors: Tensor) -> Tensor:
        """Return the function's value."""
        if torch.is_grad_enabled():
            return self.compute(*tensors)
        if not self._is_of(tensors):
            self._answer = self.compute(*tensors)
            self._of = tuple((weakref.ref(tensor), _version(tensor)) for tensor in tensors)
        return self._answer

    def _is_of(self, tensors: tuple[Tensor, ...]) -> bool:
        pairs = zip(self._of, tensors, strict=False)
        same = (of() is tensor and version == _version(tensor) for (of, version), tensor in pairs)
        return len(self._of) == len(tensors) and all(same)


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version
