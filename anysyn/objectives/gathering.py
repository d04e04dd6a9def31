"""Gathering: what all ranks embedded, with gradients."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.nn.functional import all_gather

from anysyn.ops import beside


def gather(vectors: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
    """Join the embeddings of all ranks; on one rank return them as they are.

    The loss over the joined embeddings is the same on every rank. Its gradient comes back to each rank summed over the
    ranks, and training then averages over the ranks, so that the step is that of one large batch.

    Args:
        vectors: (N, C); N may differ from rank to rank.
        groups: (N,) int64, on the CPU.

    Returns:
        All vectors and all groups, in the order of the ranks.

    Example:
        >>> gather(torch.zeros(2, 3), torch.tensor([0, 1]))[0].shape
        torch.Size([2, 3])
    """
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return vectors, groups
    device = vectors.device
    counts = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, torch.full((1,), len(vectors), device=device))
    lengths = torch.cat(counts).tolist()  # the one wait for the device: how many there are elsewhere
    most = max(lengths)
    missing = most - len(vectors)
    padded = torch.cat([vectors, vectors.new_zeros(missing, vectors.shape[1])])  # (most, C)
    numbers = [torch.zeros(most, dtype=torch.int64, device=device) for _ in counts]
    dist.all_gather(numbers, beside(torch.cat([groups, groups.new_zeros(missing)]), vectors))
    everywhere: tuple[Tensor, ...] = all_gather(padded)  # type: ignore[no-untyped-call]
    joined = [rows[:n] for rows, n in zip(everywhere, lengths, strict=True)]
    return torch.cat(joined), torch.cat([rows[:n].cpu() for rows, n in zip(numbers, lengths, strict=True)])
