"""Embeddings: one vector for an image, out of the encoder's deepest features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Features, Query


def embed(model: Synthesizer, batch: Batch, modality: int) -> tuple[Tensor, Features]:
    """Embed every sample of a batch by one modality alone.

    Args:
        model: Whose encoder embeds, with the conditioners on its side.
        batch: What exists; the modality is taken to be there.
        modality: Its number.

    Returns:
        (B, C) vectors of length one, the mean over the voxels of the deepest features; and all features.

    Example:
        >>> from anysyn.build import load, parts
        >>> model = parts(load("small/label"))["synthesizer"]
        >>> batch = Batch.complete(torch.rand(2, 4, 16, 16))
        >>> embed(model, batch, 0)[0].shape
        torch.Size([2, 128])
    """
    features = model.encode(batch, alone(batch, modality))
    return F.normalize(features.deep.float().flatten(2).mean(2), dim=1), features


def alone(batch: Batch, modality: int) -> Query:
    """Show one modality of every sample, by its number, and ask for it as it was acquired.

    Example:
        >>> batch = Batch.complete(torch.zeros(2, 3, 4))
        >>> alone(batch, 1).sources.tolist()
        [[1], [1]]
    """
    shown = torch.full((len(batch.images), 1), modality, device="cpu")  # (B, 1)
    records = tuple((row[modality],) for row in batch.acquisitions)
    return Query(shown, shown, records, records)


def groups_of(batch: Batch) -> Tensor:
    """Number the samples so that the same slice has the same number, on every rank: (B,) int64.

    Example:
        >>> one = torch.ones(2, 1)
        >>> batch = Batch(torch.zeros(2, 1, 4), one.bool(), dataset=one, spacing=one, keys=("a", "a"))
        >>> groups_of(batch).unique().shape
        torch.Size([1])
    """
    keys = batch.keys or tuple(str(row) for row in range(len(batch.images)))
    return numbered(keys)


def numbered(words: Sequence[str]) -> Tensor:
    """Number words so that equal ones have the same number, on every rank: (N,) int64.

    Example:
        >>> numbered(["T1w", "T2w", "T1w"]).unique(return_inverse=True)[1].unique().shape
        torch.Size([2])
    """
    digests = [hashlib.sha256(word.encode()).digest()[:8] for word in words]
    return torch.tensor([int.from_bytes(d, "big", signed=True) for d in digests], dtype=torch.int64)
