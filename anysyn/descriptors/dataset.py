"""The dataset that a sample comes from, as a token."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from anysyn.registry import register
from anysyn.types import Batch, Condition, Descriptor, Query


def sinusoidal_code(numbers: Tensor, width: int) -> Tensor:
    """Return sines and cosines of numbers at wavelengths from 2 pi to 20000 pi (Vaswani et al., NeurIPS 2017).

    Args:
        numbers: (B,).
        width: Numbers of the code, even.

    Returns:
        (B, width): the sines, then the cosines.

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
    """Embed the number of the dataset: ``MLP(sin(n))``, Eq. 1 of PMM-Synth.

    A sample that is given as shares of datasets gets the mean of their embeddings, weighted by the shares.

    Args:
        width: Token width D.
        code: Numbers of the sinusoidal code, even.

    Example:
        >>> batch = Batch(torch.zeros(2, 3, 4), torch.ones(2, 3), torch.tensor([0, 3]), torch.ones(2, 1))
        >>> query = Query(torch.zeros(2, 1).long(), torch.ones(2, 1).long())
        >>> DatasetCode(width=8)(batch, query).target.shape
        torch.Size([2, 1, 8])
    """

    reads_dataset = True

    def __init__(self, *, width: int = 128, code: int = 64) -> None:
        super().__init__()
        if code < 2 or code % 2:
            raise ValueError(f"code: {code} is not an even number from 2 up")
        self.width, self.code = width, code
        self.mlp = nn.Sequential(nn.Linear(code, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, 1, D), the same for the sources and for the targets."""
        told = batch.dataset
        if told.ndim == 1:
            token = self.embedding(told).unsqueeze(1)  # (B, 1, D)
        else:
            every = self.embedding(torch.arange(told.shape[1], device=told.device))  # (N, D)
            token = (told.to(every.dtype) @ every).unsqueeze(1)  # (B, 1, D)
        return Condition(token, token)

    def embedding(self, numbers: Tensor) -> Tensor:
        """Embed numbers of datasets: (B,) to (B, D)."""
        embedded: Tensor = self.mlp(sinusoidal_code(numbers, self.code))  # (B, D)
        return embedded


@register("descriptor", "one_dataset")
class OneDataset(Descriptor):
    """Say whether a sample comes from one dataset: 1 there and 0 elsewhere, or the share that it has of a mixture.

    With ``{name: film, bias: false}`` it gives that dataset a scale and a shift of its own and leaves all others alone.

    Args:
        number: Of the dataset, in the order of ``datasets.json``.

    Example:
        >>> batch = Batch(torch.zeros(2, 3, 4), torch.ones(2, 3), torch.tensor([0, 3]), torch.ones(2, 1))
        >>> OneDataset(number=3)(batch, Query(torch.zeros(2, 1).long(), torch.ones(2, 1).long())).target.flatten()
        tensor([0., 1.])
    """

    reads_dataset = True

    def __init__(self, *, number: int = 0) -> None:
        super().__init__()
        self.width, self.number = 1, number

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, 1, 1), the same for the sources and for the targets."""
        told = batch.dataset
        shares = (told == self.number).float() if told.ndim == 1 else told[:, self.number].float()  # (B,)
        token = shares.reshape(-1, 1, 1)  # (B, 1, 1)
        return Condition(token, token)
