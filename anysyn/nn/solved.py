"""Parts that are solved from the training images instead of trained by steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from anysyn.types import Batch


@runtime_checkable
class Solved(Protocol):
    """Observe training images, some at a time, before the first step, and then solve the weights."""

    def observe(self, batch: Batch, generator: Generator) -> None:
        """Add up what a batch says."""

    def solve(self) -> None:
        """Solve the weights from what was observed."""


class Lengthening(nn.Module):
    """Take buffers from a checkpoint as long as they are there: their first axis counts what solving found."""

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        for name, buffer in self._buffers.items():
            held = state_dict.get(prefix + name)
            if buffer is not None and isinstance(held, Tensor) and held.shape[1:] == buffer.shape[1:]:
                self._buffers[name] = torch.empty_like(held, device=buffer.device, dtype=buffer.dtype)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def known_part(dataset: Tensor, datasets: int) -> Tensor:
    """Say how much of each sample comes from each dataset that there was when something was solved.

    Args:
        dataset: (B, N) shares.
        datasets: How many there were, D.

    Returns:
        (B, D) shares, which do not add up to one where a dataset was added later.

    Example:
        >>> known_part(torch.tensor([[0.5, 0.25, 0.25]]), 2).tolist()
        [[0.5, 0.25]]
    """
    return nn.functional.pad(dataset, (0, max(0, datasets - dataset.shape[1])))[:, :datasets].float()  # (B, D)
