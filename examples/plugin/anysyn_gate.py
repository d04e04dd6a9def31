"""A conditioner from outside anysyn: what is known about the target opens and closes channels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from anysyn.conditioners import Conditioner
from anysyn.ops import spread
from anysyn.registry import Given, register
from anysyn.types import Condition, Descriptor, Site


@register("conditioner", "gate")
class Gate(Conditioner):
    """Multiply every channel by ``2 sigmoid(W code + b)``, from 0 (closed) to 2; all gates start at 1."""

    def __init__(self, *, sites: Given[Sequence[Site]], reads: Descriptor) -> None:
        super().__init__(sites=sites, reads=reads)
        self.gates = self.per_site(lambda site: nn.Linear(reads.width, site.channels))
        for parameter in self.gates.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor, condition: Condition, site: str) -> Tensor:
        """Return the gated features: (B, C, *S) to (B, C, *S)."""
        code = self.tokens(condition, site).mean(1)  # (B, D)
        gate = 2 * self.at(self.gates, site)(code).sigmoid()  # (B, C)
        return features * spread(gate, features)
