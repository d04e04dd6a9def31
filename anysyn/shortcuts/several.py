"""Several shortcuts as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from anysyn.registry import register
from anysyn.shortcuts.shortcut import Shortcut
from anysyn.types import Batch, Modulate, Query, unmodulated


@register("shortcut", "sum")
class Sum(Shortcut):
    """Add what several shortcuts answer, for example one that is solved and one that learns what the first misses.

    Args:
        of: The shortcuts, at least one; no two of them with a site of the same name.

    Raises:
        ValueError: If there is none, or two have a site of the same name.

    Example:
        >>> from anysyn.shortcuts import Gain
        >>> both = Sum(of=[Gain(modalities=2, initial=0.5), Gain(modalities=2, initial=1.0)])
        >>> batch = Batch.complete(torch.ones(1, 2, 4, 4))
        >>> both(batch, Query(torch.tensor([[0]]), torch.tensor([[1]]))).mean().item()
        1.5
    """

    def __init__(self, *, of: Sequence[Shortcut]) -> None:
        super().__init__()
        self.of, self.sites = nn.ModuleList(of), [site for one in of for site in one.sites]
        names = [site.name for site in self.sites]
        if not of or len(set(names)) < len(names):
            raise ValueError(f"shortcut: a sum of {len(of)} with the sites {names}; it needs one, and each site once")

    def forward(self, batch: Batch, query: Query, modulate: Modulate = unmodulated) -> Tensor:
        """Return (B, K, *S) for a batch with images (B, M, *S)."""
        answers = [one(batch, query, modulate) for one in self.of]  # (B, K, *S) each
        return torch.stack(answers).sum(0)  # (B, K, *S)
