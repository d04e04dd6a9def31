"""The modality as a learned token, alone or together with the dataset."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anysyn.bounds import Count
from anysyn.ops import beside
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
        sources, targets = (self.table(beside(which, self.table.weight)) for which in (query.sources, query.targets))
        return Condition(sources, targets)


@register("descriptor", "modality_of_dataset")
class ModalityOfDataset(Descriptor):
    """Learned vector of each modality of each dataset, mixed by the weights of the datasets: ``sum_n w_n E[n, m]``.

    The label of the "One-hot" model that TUMSyn is compared with: "a single numerical label to each modality for the
    same center". One-hot weights give the vector of one dataset; a scan of an unknown one gets the mean of all.

    Args:
        modalities: How many modalities the recipe has.
        datasets: Largest number of datasets, in the order of ``datasets.json``.
        width: Token width D.

    Example:
        >>> import torch
        >>> label = ModalityOfDataset(modalities=3, datasets=2, width=8)
        >>> batch = Batch(torch.zeros(2, 3, 4, 4), torch.ones(2, 3, dtype=torch.bool), torch.eye(2), torch.ones(2, 2))
        >>> target = label(batch, Query(torch.tensor([[0]] * 2), torch.tensor([[1]] * 2))).target
        >>> torch.equal(target[:, 0], label.table[:, 1])
        True
    """

    reads_dataset = True

    def __init__(self, *, modalities: Given[int], datasets: Count = 16, width: Count = 32) -> None:
        super().__init__()
        self.width, self.datasets = width, datasets
        self.table = nn.Parameter(torch.randn(datasets, modalities, width))

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, J, D) for the sources and (B, K, D) for the targets.

        Raises:
            ValueError: If there are more datasets than the recipe says.
        """
        count = batch.dataset.shape[1]
        if count > self.datasets:
            raise ValueError(
                f"descriptor modality_of_dataset knows {self.datasets} datasets, but there are {count}; set `datasets`"
            )
        own = torch.einsum("bn,nmd->bmd", batch.dataset.to(self.table.dtype), self.table[:count])  # (B, M, D)
        return Condition(_of(own, query.sources), _of(own, query.targets))


def _of(vectors: Tensor, modalities: Tensor) -> Tensor:
    """Return the vectors of modalities: (B, M, D) by (B, K) to (B, K, D)."""
    return vectors.gather(1, beside(modalities, vectors).unsqueeze(2).expand(-1, -1, vectors.shape[2]))  # (B, K, D)
