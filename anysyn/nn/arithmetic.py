"""The arithmetic of UniSyn: contrast as a scale and a shift of each channel, taken off a source and put on a target.

``f0 = (f_s - beta_s) / alpha_s`` and ``f_t = alpha_t f0 + beta_t``. Both are affine in each channel, and so is what
they make together; a linear layer behind them takes it into its own weights.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from anysyn.types import Modulate


class Affine(NamedTuple):
    """Scale and shift each channel: ``x`` to ``scale x + shift``. As a contrast the two are alpha and beta.

    Args:
        scale: (B, C).
        shift: (B, C).
    """

    scale: Tensor
    shift: Tensor


@runtime_checkable
class AffineModulate(Protocol):
    """Act at sites, and tell of which of them a scale and a shift of each channel is all that happens there."""

    def __call__(self, site: str, features: Tensor) -> Tensor:
        """Act at a site: (B, C, *S) to (B, C, *S)."""

    def affine(self, site: str) -> Affine | None:
        """Return what acts at a site, or None if it is no scale and shift."""


def affine_at(modulate: Modulate, site: str) -> Affine | None:
    """Return the scale and the shift that act at a site, or None if something else does or it cannot be told.

    Example:
        >>> affine_at(lambda site, features: features, "decoder/in") is None
        True
    """
    return modulate.affine(site) if isinstance(modulate, AffineModulate) else None


def bounded_scale(z: Tensor, bound: float) -> Tensor:
    """Return ``exp(a tanh(z / a))`` with ``a = ln(bound)``: from 1 / bound to bound, 1 at 0, ``exp(z)`` near it.

    Args:
        z: Any numbers.
        bound: Above 1.

    Example:
        >>> bounded_scale(torch.tensor([-1e9, 0.0, 1e9]), bound=8.0)
        tensor([0.1250, 1.0000, 8.0000])
    """
    a = math.log(bound)
    return (a * (z / a).tanh()).exp()


def removing(contrast: Affine) -> Affine:
    """Return what takes a contrast off: ``f`` to ``(f - beta) / alpha``.

    Example:
        >>> removing(Affine(torch.tensor([[2.0]]), torch.tensor([[6.0]])))
        Affine(scale=tensor([[0.5000]]), shift=tensor([[-3.]]))
    """
    scale = contrast.scale.reciprocal()
    return Affine(scale, -contrast.shift * scale)


def then(first: Affine, second: Affine) -> Affine:
    """Return what does one and then the other.

    ``then(removing(source), target)`` has the scale ``gamma = alpha_t / alpha_s`` and the shift
    ``delta = beta_t - beta_s gamma``.

    Example:
        >>> one = Affine(torch.tensor([[2.0]]), torch.tensor([[6.0]]))
        >>> [part.item() for part in then(removing(one), one)]
        [1.0, 0.0]
    """
    return Affine(first.scale * second.scale, first.shift * second.scale + second.shift)


def folded(weight: Tensor, bias: Tensor, affine: Affine) -> tuple[Tensor, Tensor]:
    """Take a scale and a shift into the linear layer behind it: ``W' = W diag(scale)``, ``b' = b + W shift``.

    Args:
        weight: (H, C).
        bias: (H,).
        affine: What happens before the layer, for each sample.

    Returns:
        (B, H, C) and (B, H).

    Example:
        >>> weight, bias = folded(torch.ones(1, 2), torch.zeros(1), Affine(torch.full((1, 2), 2.0), torch.ones(1, 2)))
        >>> weight.tolist(), bias.tolist()
        ([[[2.0, 2.0]]], [[2.0]])
    """
    with in_float32(weight.device):
        return weight * affine.scale.unsqueeze(1), bias + affine.shift @ weight.T  # (B, H, C), (B, H)


def in_float32(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which no automatic casting to a lower precision happens.

    Args:
        device: Where the computation runs.

    Example:
        >>> with torch.autocast("cpu", torch.bfloat16), in_float32(torch.device("cpu")):
        ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
        torch.float32
    """
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)
