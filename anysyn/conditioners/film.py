"""Scale and shift every channel by what is known (feature-wise linear modulation)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from anysyn.conditioners.conditioner import Conditioner
from anysyn.ops import spread
from anysyn.registry import Given, register
from anysyn.types import Condition, Descriptor, Site


@register("conditioner", "film")
class FiLM(Conditioner):
    """Return ``F (gamma + 1) + beta`` (Eq. 3 of PMM-Synth), with a head for each site.

    The heads begin at zero, so that the network begins as if it had no conditioner.

    Args:
        sites: Where it acts.
        reads: What it knows.

    Example:
        >>> from anysyn.descriptors import ModalityLabel
        >>> film = FiLM(sites=[Site("decoder/block0", 8)], reads=ModalityLabel(modalities=4))
        >>> features, label = torch.rand(1, 8, 5, 5), Condition(torch.zeros(1, 1, 32), torch.ones(1, 1, 32))
        >>> torch.equal(film(features, label, "decoder/block0"), features)
        True
    """

    def __init__(self, *, sites: Given[Sequence[Site]], reads: Descriptor) -> None:
        super().__init__(sites=sites, reads=reads)
        self.heads = self.per_site(lambda site: nn.Linear(reads.width, 2 * site.channels))
        for parameter in self.heads.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor, condition: Condition, site: str) -> Tensor:
        """Return the modulated features: (B, C, *S) to (B, C, *S)."""
        code = self.tokens(condition, site).mean(1)  # (B, D)
        gamma, beta = self.at(self.heads, site)(code).chunk(2, dim=-1)  # (B, C) each
        return torch.addcmul(spread(beta, features), features, 1 + spread(gamma, features))
