"""The arithmetic of UniSyn: contrast as a scale and a shift per channel, removed from a source and added to a target.

``f0 = (f_s - beta_s) / alpha_s`` and ``f_t = alpha_t f0 + beta_t``. Both are affine in each channel, so their
composition is too, and it can be folded into the weights of a linear layer that follows.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from anysyn.ops import in_float32
from anysyn.types import Modulate


class Affine(NamedTuple):
    """A scale and a shift per channel, ``x`` to ``scale x + shift``; for a contrast they are alpha and beta."""

    scale: Tensor  # (B, C)
    shift: Tensor  # (B, C)


@runtime_checkable
class AffineModulate(Protocol):
    """A modulation that knows at which sites it is no more than a scale and a shift per channel."""

    def __call__(self, site: str, features: Tensor) -> Tensor:
        """Modulate features at a site: (B, C, *S) to (B, C, *S)."""

    def affine(self, site: str) -> Affine | None:
        """Return the scale and the shift at a site, or None if the modulation there is something else."""


def affine_at(modulate: Modulate, site: str) -> Affine | None:
    """Return the scale and the shift that a modulation applies at a site, or None if it is something else or unknown.

    Example:
        >>> import torch
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
        >>> import torch
        >>> bounded_scale(torch.tensor([-1e9, 0.0, 1e9]), bound=8.0)
        tensor([0.1250, 1.0000, 8.0000])
    """
    a = math.log(bound)
    return (a * (z / a).tanh()).exp()


def invert(contrast: Affine) -> Affine:
    """Return the inverse, which removes a contrast: ``f`` to ``(f - beta) / alpha``.

    Example:
        >>> import torch
        >>> invert(Affine(torch.tensor([[2.0]]), torch.tensor([[6.0]])))
        Affine(scale=tensor([[0.5000]]), shift=tensor([[-3.]]))
    """
    scale = contrast.scale.reciprocal()
    return Affine(scale, -contrast.shift * scale)


def compose(first: Affine, second: Affine) -> Affine:
    """Compose two affine maps: ``first``, then ``second``.

    ``compose(invert(source), target)`` has the scale ``gamma = alpha_t / alpha_s`` and the shift
    ``delta = beta_t - beta_s gamma``.

    Example:
        >>> import torch
        >>> contrast = Affine(torch.tensor([[2.0]]), torch.tensor([[6.0]]))
        >>> [part.item() for part in compose(invert(contrast), contrast)]
        [1.0, 0.0]
    """
    return Affine(first.scale * second.scale, first.shift * second.scale + second.shift)


def fold_affine(weight: Tensor, bias: Tensor, affine: Affine) -> tuple[Tensor, Tensor]:
    """Fold a scale and a shift into the linear layer after it: ``W' = W diag(scale)``, ``b' = b + W shift``.

    Args:
        weight: (H, C).
        bias: (H,).
        affine: The map before the layer, for each sample.

    Returns:
        (B, H, C) and (B, H).

    Example:
        >>> import torch
        >>> affine = Affine(torch.full((1, 2), 2.0), torch.ones(1, 2))
        >>> weight, bias = fold_affine(torch.ones(1, 2), torch.zeros(1), affine)
        >>> weight.tolist(), bias.tolist()
        ([[[2.0, 2.0]]], [[2.0]])
    """
    with in_float32(weight.device):
        return weight * affine.scale.unsqueeze(1), bias + affine.shift @ weight.T  # (B, H, C), (B, H)
