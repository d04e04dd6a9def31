"""Fusion of text and image: text tokens attend to the voxels, and the result gates the channels of all voxels."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from anysyn.nn.attention import attend, attend_runs, key_norms, project_values
from anysyn.nn.gated_ffn import GatedFFN

Layout = Literal["voxels", "runs"]


class TextFusion(nn.Module):
    """Channel gate from text attending to the voxels, then norm, gated feed-forward network, norm.

    With ``a`` the adapted text, ``v`` the attention of ``a`` to the voxels and LN a norm over the channels:
    ``y = LN(x * (a + v))``, ``LN(y + FFN(y))``. Without gradients, voxels are processed a few at a time.

    Args:
        width: Width of a text token.
        channels: C of the features.
        heads, temperature, expansion: As in conditioner `cross_attention`.
        residual: Whether ``a`` is added; otherwise the gate is ``v`` alone.
        layout: Whether ``a`` looks at voxels or at runs of them (`anysyn.nn.attention.attend_runs`).
        chunk: Voxels processed at a time without gradients, over all samples.

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
        layout: Layout = "voxels",
        chunk: int = 8192,
    ) -> None:
        super().__init__()
        self.residual, self.layout, self.chunk = residual, layout, chunk
        self.adapter = nn.Sequential(nn.Linear(width, channels), nn.ReLU(), nn.Linear(channels, channels))
        self.query, self.key, self.value, self.answer = (nn.Linear(channels, channels) for _ in range(4))
        self.log_temperature = nn.Parameter(torch.full((heads,), math.log(temperature)))
        self.key_norms = LastResult(self._key_norms)
        self.inner, self.outer = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.ffn = GatedFFN(dimensions=dimensions, channels=channels, expansion=expansion)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Fuse features and text.

        Args:
            features: (B, C, *S).
            tokens: (B, L, width); their gates are averaged.

        Returns:
            (B, C, *S), channels last in memory.
        """
        gate = self.gate(features, tokens)  # (B, C)
        if torch.is_grad_enabled():
            rows = self._gated(features, gate)  # (B, *S, C)
            fused: Tensor = self.outer(rows + self.ffn(rows))  # (B, *S, C)
            return fused.movedim(-1, 1)  # (B, C, *S)
        return self._in_planes(features, gate)

    def gate(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Compute the factor of each channel, (B, C); of voxels it does not depend on their order."""
        text = self.adapter(tokens)  # (B, L, C)
        queries = self.query(text).unflatten(-1, (len(self.log_temperature), -1))  # (B, L, H, C / H)
        attention: Tensor = self.answer(self._attended(features, queries))  # (B, L, C)
        return (text + attention if self.residual else attention).mean(1)  # (B, C)

    def _attended(self, features: Tensor, queries: Tensor) -> Tensor:
        temperature = self.log_temperature.exp()
        if self.layout == "runs":
            return attend_runs(features, queries, self.key, self.value, temperature)  # (B, L, C)
        norms = self.key_norms(features, self.key.weight, self.key.bias)  # (B, H, N)
        averages = attend(features, queries, self.key, norms, temperature)  # (B, L, H, C)
        return project_values(averages, self.value)  # (B, L, C)

    def _key_norms(self, features: Tensor, *_: Tensor) -> Tensor:
        chunk = features[:, 0].numel() if torch.is_grad_enabled() else max(1, self.chunk // len(features))
        return key_norms(features, self.key, len(self.log_temperature), chunk)  # (B, H, N)

    def _gated(self, features: Tensor, gate: Tensor) -> Tensor:
        ones = (1,) * (features.ndim - 2)
        rows: Tensor = self.inner(features.movedim(1, -1) * gate.reshape(gate.shape[0], *ones, -1))  # (B, *S, C)
        return rows

    def _in_planes(self, features: Tensor, gate: Tensor) -> Tensor:
        planes = max(1, self.chunk // features[:, 0, 0].numel())
        rows = features.new_empty(features.movedim(1, -1).shape)  # (B, *S, C)
        for start in range(0, rows.shape[1], planes):
            part = slice(start, start + planes)
            rows[:, part] = self._gated(features[:, :, part], gate)
        for part, mixed in self.ffn.in_planes(rows, planes):
            rows[:, part] = self.outer(rows[:, part] + mixed)
        return rows.movedim(-1, 1)  # (B, C, *S)


class LastResult:
    """Function of tensors that returns its last result again if it is called with the very same tensors.

    Tensors are the same if they are the same objects and unchanged since (changes in inference mode go unnoticed). They
    are not kept alive. With gradients every call computes, since an autograd graph serves once.

    Args:
        compute: The function.

    Example:
        >>> calls = []
        >>> double = LastResult(lambda x: calls.append(1) or 2 * x)
        >>> x = torch.ones(3)
        >>> with torch.no_grad():
        ...     twice = double(x) is double(x)
        >>> twice, len(calls)
        (True, 1)
    """

    def __init__(self, compute: Callable[..., Tensor]) -> None:
        self.compute = compute
        self._inputs: tuple[tuple[weakref.ref[Tensor], int], ...] = ()
        self._result = torch.empty(0)

    def __call__(self, *tensors: Tensor) -> Tensor:
        """Return the function's result."""
        if torch.is_grad_enabled():
            return self.compute(*tensors)
        if not self._same_inputs(tensors):
            self._result = self.compute(*tensors)
            self._inputs = tuple((weakref.ref(tensor), _version(tensor)) for tensor in tensors)
        return self._result

    def _same_inputs(self, tensors: tuple[Tensor, ...]) -> bool:
        pairs = zip(self._inputs, tensors, strict=False)
        same = (last() is tensor and version == _version(tensor) for (last, version), tensor in pairs)
        return len(self._inputs) == len(tensors) and all(same)


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version
