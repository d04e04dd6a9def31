"""The dataset of a sample as a token."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from anysyn.bounds import Count, WholeNumber
from anysyn.registry import register
from anysyn.types import Batch, Condition, Descriptor, Query


def sinusoidal_code(numbers: Tensor, width: int) -> Tensor:
    """Return sines and cosines of numbers at wavelengths from 2 pi to 20000 pi (Vaswani et al., NeurIPS 2017).

    Numbers (B,) become (B, width): the sines, then the cosines; the width is even.

    Example:
        >>> [round(value, 3) for value in sinusoidal_code(torch.tensor([1]), 4)[0].tolist()]
        [0.841, 0.01, 0.54, 1.0]
    """
    half = width // 2
    rates = torch.exp(-math.log(10000) / half * torch.arange(half, device=numbers.device))  # (width / 2,)
    angles = numbers.unsqueeze(1) * rates  # (B, width / 2)
    return torch.cat([angles.sin(), angles.cos()], 1)  # (B, width)


@register("descriptor", "dataset")
class DatasetCode(Descriptor):
    """Embedding of the datasets by their numbers, mixed by their weights: ``sum_n w_n MLP(sin(n))``.

    One-hot weights give the embedding of one dataset, Eq. 1 of PMM-Synth.

    Args:
        width: Token width D.
        code: Numbers of the sinusoidal code, even.

    Example:
        >>> batch, query = Batch.complete(torch.zeros(2, 3, 4)), Query(torch.tensor([[0]] * 2), torch.tensor([[1]] * 2))
        >>> DatasetCode(width=8)(batch, query).target.shape
        torch.Size([2, 1, 8])
    """

    reads_dataset, reads_query = True, False

    def __init__(self, *, width: Count = 128, code: Count = 64) -> None:
        super().__init__()
        if code < 2 or code % 2:
            raise ValueError(f"code: {code} is not an even number from 2 up")
        self.width, self.code = width, code
        self.mlp = nn.Sequential(nn.Linear(code, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, 1, D), the same for the sources and for the targets."""
        weights = batch.dataset  # (B, N)
        # One at a time: a product of more rows may round differently, and an added dataset must not change the others.
        numbers = (torch.full((1,), n, device=weights.device) for n in range(weights.shape[1]))
        embeddings = torch.cat([self.embedding(number) for number in numbers])  # (N, D)
        token = (weights.to(embeddings.dtype) @ embeddings).unsqueeze(1)  # (B, 1, D)
        return Condition(token, token)

    def embedding(self, numbers: Tensor) -> Tensor:
        """Embed numbers of datasets: (B,) to (B, D)."""
        embedded: Tensor = self.mlp(sinusoidal_code(numbers, self.code))  # (B, D)
        return embedded


@register("descriptor", "one_dataset")
class OneDataset(Descriptor):
    """Weight of one dataset: 1 for its samples, 0 for those of any other dataset.

    With ``{name: film, bias: false}`` it gives that dataset a scale and a shift of its own and leaves all others alone.

    Args:
        number: Position of the dataset in ``datasets.json``.

    Example:
        >>> batch, query = Batch.complete(torch.zeros(1, 3, 4)), Query(torch.tensor([[0]]), torch.tensor([[1]]))
        >>> OneDataset(number=0)(batch, query).target.item(), OneDataset(number=3)(batch, query).target.item()
        (1.0, 0.0)
    """

    reads_dataset, reads_query = True, False

    def __init__(self, *, number: WholeNumber = 0) -> None:
        super().__init__()
        self.width, self.number = 1, number

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, 1, 1), the same for the sources and for the targets."""
        weight = batch.dataset[:, self.number : self.number + 1].sum(1)  # (B,), zero in a batch of fewer datasets
        token = weight.reshape(-1, 1, 1)  # (B, 1, 1)
        return Condition(token, token)
