"""Scale and shift every channel by what is known (feature-wise linear modulation)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from anysyn.conditioners.conditioner import Conditioner
from anysyn.nn.arithmetic import Affine
from anysyn.ops import scale_and_shift
from anysyn.registry import Given, register
from anysyn.types import Condition, Descriptor, Site


@register("conditioner", "film")
class FiLM(Conditioner):
    """Return ``F (gamma + 1) + beta`` (Eq. 3 of PMM-Synth), with a head for each site.

    The heads begin at zero, so that the network begins as if it had no conditioner.

    Args:
        bias: Whether the heads have one; without it nothing happens where all that is known is zero.

    Example:
        >>> import torch
        >>> from anysyn.descriptors import ModalityLabel
        >>> film = FiLM(sites=[Site("decoder/block0", 8)], reads=ModalityLabel(modalities=4))
        >>> features, label = torch.rand(1, 8, 5, 5), Condition(torch.zeros(1, 1, 32), torch.ones(1, 1, 32))
        >>> torch.equal(film(features, label, "decoder/block0"), features)
        True
    """

    def __init__(self, *, sites: Given[Sequence[Site]], reads: Descriptor, bias: bool = True) -> None:
        super().__init__(sites=sites, reads=reads)
        self.heads = self.per_site(lambda site: nn.Linear(reads.width, 2 * site.channels, bias=bias))
        for parameter in self.heads.parameters():
            nn.init.zeros_(parameter)

    def affine(self, condition: Condition, site: str) -> Affine:
        """Return the scale and the shift that act at a site, (B, C) each."""
        code = self.tokens(condition, site).mean(1)  # (B, D)
        gamma, beta = self.at(self.heads, site)(code).chunk(2, dim=-1)  # (B, C) each
        return Affine(1 + gamma, beta)

    def forward(self, features: Tensor, condition: Condition, site: str) -> Tensor:
        """Return the modulated features: (B, C, *S) to (B, C, *S)."""
        return scale_and_shift(features, *self.affine(condition, site))
