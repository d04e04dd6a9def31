"""Contrastive losses over embeddings."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from anysyn.ops import beside, chosen


def positives(groups: Tensor) -> Tensor:
    """Mark the pairs of embeddings of one group: (N,) int64 to (N, N) bool, false on the diagonal.

    Example:
        >>> positives(torch.tensor([7, 7, 3])).int().tolist()
        [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    same = groups.unsqueeze(0) == groups.unsqueeze(1)  # (N, N)
    return same & ~torch.eye(len(groups), dtype=torch.bool, device=groups.device)


def cosines(embeddings: Tensor) -> Tensor:
    """Compare all pairs of embeddings (N, C) of length one, in full precision whatever the training computes in.

    Example:
        >>> cosines(torch.tensor([[1.0, 0.0], [0.0, -1.0]])).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    with torch.autocast(embeddings.device.type, enabled=False):  # a small temperature would magnify the rounding
        whole = embeddings.float()
        return whole @ whole.T  # (N, N)


def supervised_infonce(embeddings: Tensor, groups: Tensor, temperature: float) -> Tensor:
    """Draw embeddings of one group together and apart from all others.

    ``-1 / |P(i)| sum_p log(exp(z_i . z_p / t) / sum_{a != i} exp(z_i . z_a / t))`` for every anchor i: Eq. 4 of
    OmniSyn, which sums over the anchors. This averages over them, so that its weight does not depend on the batch.

    Args:
        embeddings: (N, C) of length one.
        groups: (N,) int64, on the CPU, equal where two embeddings show the same slice.
        temperature: t, above 0; a small one looks at the nearest negatives.

    Returns:
        A scalar. An anchor without a positive counts only as others' negative; without any positive it is zero.

    Example:
        >>> z = torch.eye(2).repeat(2, 1)
        >>> round(supervised_infonce(z, torch.tensor([0, 1, 0, 1]), 0.1).item(), 4)
        0.0001
    """
    matching = positives(groups)  # (N, N)
    anchors = matching.any(1)  # (N,)
    if not bool(anchors.any()):
        return embeddings.sum() * 0
    logits = cosines(embeddings) / temperature  # (N, N)
    logits = logits.masked_fill(torch.eye(len(logits), dtype=torch.bool, device=logits.device), -torch.inf)
    shares = chosen(logits.log_softmax(1), anchors)  # (A, N)
    wanted = beside(matching[anchors], shares)  # (A, N)
    return -(shares.masked_fill(~wanted, 0).sum(1) / wanted.sum(1)).mean()


def mean_similarity(embeddings: Tensor, groups: Tensor) -> Tensor:
    """Average the cosine over all pairs of one group: the similarity of Eq. 3 of OmniSyn.

    Args:
        embeddings: (N, C) of length one.
        groups: (N,) int64, on the CPU.

    Returns:
        A scalar from -1 to 1; zero where no pair belongs together.

    Example:
        >>> mean_similarity(torch.tensor([[1.0, 0.0], [0.6, 0.8]]), torch.tensor([4, 4])).item()
        0.6000000238418579
    """
    matching = positives(groups)  # (N, N)
    if not bool(matching.any()):
        return embeddings.sum() * 0
    return chosen(cosines(embeddings), matching).mean()


def symmetric_cross_entropy(images: Tensor, texts: Tensor, groups: Tensor, scale: Tensor | float) -> Tensor:
    """Draw each image and its text together and apart from all others: TUMSyn, Eqs. 1 to 3.

    ``-log(exp(cos(v_i, t_i) / tau) / sum_j exp(cos(v_i, t_j) / tau))``, the same with image and text exchanged, and the
    mean of both over all pairs. Pairs of one group say the same text, so they are left out of each other's sum: no
    image is driven away from a text that is true of it.

    Args:
        images: (N, D) embeddings of any length.
        texts: (N, D).
        groups: (N,) int64, on the CPU, equal where two texts are the same.
        scale: One over the temperature tau.

    Returns:
        A scalar; zero where there is no other text.

    Example:
        >>> v = torch.eye(2)
        >>> round(symmetric_cross_entropy(v, v, torch.tensor([0, 1]), 1.0).item(), 4)  # log(1 + 1 / e)
        0.3133
        >>> symmetric_cross_entropy(v, v, torch.tensor([5, 5]), 1.0).item()
        0.0
    """
    if not len(images):
        return images.sum() + texts.sum()
    with torch.autocast(images.device.type, enabled=False):  # the scale would magnify the rounding
        v, t = (F.normalize(one.float(), dim=1) for one in (images, texts))
        logits = scale * v @ t.T  # (N, N)
    apart = logits.masked_fill(beside(positives(groups), logits), -torch.inf)
    own = torch.arange(len(apart), device=apart.device)
    return (F.cross_entropy(apart, own) + F.cross_entropy(apart.T, own)) / 2
