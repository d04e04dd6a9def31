"""The dataset and the task, source and target, as one token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from anysyn.registry import Given, register
from anysyn.types import Batch, Condition, Descriptor, Query


@register("descriptor", "task")
class TaskCode(Descriptor):
    """Embed the dataset, the sources and the target together: a perceptron over their indicators.

    The mapper of pFLSynth (Dalmaz et al., MedIA 2024): one indicator for each dataset and two for each modality, scaled
    to a mean square of one, through layers that end with a leaky ReLU. A sample that is given as shares of datasets has
    these as indicators.

    Args:
        modalities: How many modalities the recipe has.
        datasets: How many datasets there may be, in the order of ``datasets.json``.
        width: Token width D.
        layers: Layers of the perceptron.

    Example:
        >>> batch = Batch(torch.zeros(2, 3, 4), torch.ones(2, 3), torch.tensor([0, 3]), torch.ones(2, 1))
        >>> query = Query(torch.zeros(2, 1).long(), torch.ones(2, 1).long())
        >>> TaskCode(modalities=3, width=8)(batch, query).target.shape
        torch.Size([2, 1, 8])
    """

    reads_dataset = True

    def __init__(self, *, modalities: Given[int], datasets: int = 4, width: int = 512, layers: int = 2) -> None:
        super().__init__()
        self.width, self.datasets, self.modalities = width, datasets, modalities
        inward: Sequence[int] = [datasets + 2 * modalities, *[width] * (layers - 1)]
        made = [(nn.Linear(numbers, width), nn.LeakyReLU(0.2)) for numbers in inward]
        self.mapper = nn.Sequential(*(part for layer in made for part in layer))

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, J, D), each source as if it were asked for, and (B, K, D) for the targets.

        Raises:
            ValueError: If there are more datasets than the recipe says.
        """
        site = self._site(batch.dataset)  # (B, N)
        shown = _indicators(query.sources, self.modalities)  # (B, J, M)
        known = torch.cat([site, shown.amax(1)], 1)  # (B, N + M)
        asked = _indicators(query.targets, self.modalities)  # (B, K, M)
        return Condition(self._token(known, shown), self._token(known, asked))

    def _token(self, known: Tensor, asked: Tensor) -> Tensor:
        every = torch.cat([known.unsqueeze(1).expand(-1, asked.shape[1], -1), asked], 2)  # (B, K, N + 2 M)
        token: Tensor = self.mapper(every * every.square().mean(2, keepdim=True).clamp(min=1e-8).rsqrt())  # (B, K, D)
        return token

    def _site(self, told: Tensor) -> Tensor:
        most = told.shape[1] if told.ndim == 2 else 0 if told.is_meta else int(told.max()) + 1
        if most > self.datasets:
            raise ValueError(f"descriptor task knows {self.datasets} datasets, but there are {most}; set `datasets`")
        if told.ndim == 1:
            return _indicators(told.long().unsqueeze(1), self.datasets).squeeze(1)  # (B, N)
        return nn.functional.pad(told.float(), (0, self.datasets - most))  # (B, N)


def _indicators(numbers: Tensor, count: int) -> Tensor:
    """Return ones where a number is: (B, J) to (B, J, count)."""
    return (numbers.unsqueeze(2) == torch.arange(count, device=numbers.device)).float()  # (B, J, count)
