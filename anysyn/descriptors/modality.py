"""The modality as a learned token."""

from __future__ import annotations

from torch import nn

from anysyn.bounds import Count
from anysyn.registry import Given, register
from anysyn.types import Batch, Condition, Descriptor, Query


@register("descriptor", "modality")
class ModalityLabel(Descriptor):
    """Learned vector of the modality.

    Args:
        modalities: How many modalities the recipe has.
        width: Token width D.

    Example:
        >>> import torch
        >>> query = Query(torch.tensor([[0, 1]]), torch.tensor([[2]]))
        >>> batch = Batch.complete(torch.zeros(1, 3, 4, 4))
        >>> [tuple(tokens.shape) for tokens in ModalityLabel(modalities=3, width=8)(batch, query)]
        [(1, 2, 8), (1, 1, 8)]
    """

    def __init__(self, *, modalities: Given[int], width: Count = 32) -> None:
        super().__init__()
        self.width = width
        self.table = nn.Embedding(modalities, width)

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, J, D) for the sources and (B, K, D) for the targets."""
        return Condition(self.table(query.sources), self.table(query.targets))
