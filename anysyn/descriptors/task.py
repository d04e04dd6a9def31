"""The dataset and the task, source and target, as one token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from anysyn.bounds import Count
from anysyn.ops import beside
from anysyn.registry import Given, register
from anysyn.types import Batch, Condition, Descriptor, Query


@register("descriptor", "task")
class TaskCode(Descriptor):
    """Embedding of the dataset, the sources and the target together, by a perceptron.

    The mapper of pFLSynth (Dalmaz et al., MedIA 2024): the weight of each dataset and two indicators for each modality,
    scaled to a mean square of one, through layers that end with a leaky ReLU.

    Args:
        modalities: How many modalities the recipe has.
        datasets: Largest number of datasets, in the order of ``datasets.json``.
        width: Token width D.
        layers: Layers of the perceptron.

    Example:
        >>> batch, query = Batch.complete(torch.zeros(2, 3, 4)), Query(torch.tensor([[0]] * 2), torch.tensor([[1]] * 2))
        >>> TaskCode(modalities=3, width=8)(batch, query).target.shape
        torch.Size([2, 1, 8])
    """

    reads_dataset = True

    def __init__(self, *, modalities: Given[int], datasets: Count = 4, width: Count = 512, layers: Count = 2) -> None:
        super().__init__()
        self.width, self.datasets, self.modalities = width, datasets, modalities
        inward: Sequence[int] = [datasets + 2 * modalities, *[width] * (layers - 1)]
        pairs = [(nn.Linear(numbers, width), nn.LeakyReLU(0.2)) for numbers in inward]
        self.mapper = nn.Sequential(*(layer for pair in pairs for layer in pair))

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, J, D), with each source as the target, and (B, K, D) for the targets.

        Raises:
            ValueError: If there are more datasets than the recipe says.
        """
        count = batch.dataset.shape[1]
        if count > self.datasets:
            raise ValueError(f"descriptor task knows {self.datasets} datasets, but there are {count}; set `datasets`")
        weights = nn.functional.pad(batch.dataset, (0, self.datasets - count))  # (B, N)
        sources, targets = (
            _indicators(beside(which, batch.dataset), self.modalities) for which in (query.sources, query.targets)
        )  # (B, J, M), (B, K, M)
        known = torch.cat([weights, sources.amax(1)], 1)  # (B, N + M)
        return Condition(self._token(known, sources), self._token(known, targets))

    def _token(self, known: Tensor, targets: Tensor) -> Tensor:
        inputs = torch.cat([known.unsqueeze(1).expand(-1, targets.shape[1], -1), targets], 2)  # (B, K, N + 2 M)
        token: Tensor = self.mapper(inputs * inputs.square().mean(2, keepdim=True).clamp(min=1e-8).rsqrt())  # (B, K, D)
        return token


def _indicators(numbers: Tensor, count: int) -> Tensor:
    """Return ones where a number is: (B, J) to (B, J, count)."""
    return (numbers.unsqueeze(2) == torch.arange(count, device=numbers.device)).float()  # (B, J, count)
