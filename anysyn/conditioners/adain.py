"""Adaptive instance normalisation with channel weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from anysyn.conditioners.conditioner import Conditioner
from anysyn.ops import spread
from anysyn.registry import Given, register
from anysyn.types import Condition, Descriptor, Site

EPSILON = 1e-5


@register("conditioner", "adain")
class AdaIN(Conditioner):
    """Normalise each channel over the voxels, then scale, shift and weigh it by what is known.

    ``w ((F - mean) / sd (gamma + 1) + beta)``, adaptive instance normalisation (Huang and Belongie, ICCV 2017), with
    channel weights ``w = 2 sigmoid(omega)``, as in the personalisation blocks of pFLSynth (Dalmaz et al., MedIA 2024).
    The heads begin at zero: with plain instance normalisation.

    Args:
        weights: Whether channels are weighed, too.

    Example:
        >>> from anysyn.descriptors import ModalityLabel
        >>> adain = AdaIN(sites=[Site("decoder/block0", 8)], reads=ModalityLabel(modalities=4))
        >>> label = Condition(torch.zeros(1, 1, 32), torch.ones(1, 1, 32))
        >>> round(adain(torch.rand(1, 8, 5, 5), label, "decoder/block0").var(unbiased=False).item(), 2)
        1.0
    """

    def __init__(self, *, sites: Given[Sequence[Site]], reads: Descriptor, weights: bool = True) -> None:
        super().__init__(sites=sites, reads=reads)
        self.weights, numbers = weights, 3 if weights else 2
        self.heads = self.per_site(lambda site: nn.Linear(reads.width, numbers * site.channels))
        for parameter in self.heads.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor, condition: Condition, site: str) -> Tensor:
        """Return the modulated features: (B, C, *S) to (B, C, *S)."""
        code = self.tokens(condition, site).mean(1)  # (B, D)
        numbers = self.at(self.heads, site)(code).unflatten(1, (3 if self.weights else 2, -1))  # (B, 2 or 3, C)
        gamma, beta, *omega = (spread(one, features) for one in numbers.unbind(1))  # (B, C, 1 ...) each
        axes = tuple(range(2, features.ndim))
        variance, mean = torch.var_mean(features, axes, unbiased=False, keepdim=True)  # (B, C, 1 ...) each
        styled = (features - mean) * (variance + EPSILON).rsqrt() * (1 + gamma) + beta  # (B, C, *S)
        return styled * 2 * omega[0].sigmoid() if omega else styled
