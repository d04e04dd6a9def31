"""A batch that lacks modalities, marked by NaN, a query of it and an outcome: losses must not read the marks."""

import torch
from toys import M, batch_of

from anysyn.types import Batch, Features, Outcome, Query

AVAILABLE = torch.tensor([[1, 1, 0, 1], [1, 0, 1, 1]], dtype=torch.bool)
SHOWN = torch.tensor([[0, 1], [2, 2]])
ASKED = torch.tensor([[3, 0, 1, 2]] * 2)
MADE = torch.tensor([[0, 0, 0, 1], [1, 0, 0, 1]], dtype=torch.bool)  # not shown, but known


def partial(shape, marker=float("nan")):
    whole = batch_of(shape)
    images = whole.images.masked_fill(~AVAILABLE[:, :, None, None], marker)
    return Batch(images, AVAILABLE, whole.dataset, whole.spacing)


def partial_outcome(shape):
    batch, query = partial(shape), Query(SHOWN, ASKED)
    prediction = torch.rand(2, M, *shape, generator=torch.Generator().manual_seed(3), requires_grad=True)
    truth, mask = (torch.stack([of[b, ASKED[b]] for b in range(2)]) for of in (batch.images, AVAILABLE))
    return Outcome(batch, query, prediction, truth, mask, Features((), prediction))
