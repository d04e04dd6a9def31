"""How much of each answer is the network's: least squares, with the weight of one image for what alike choices say."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def solved_shares(sums: Tensor, asked: Tensor) -> Tensor:
    """Solve the shares by which the squared error is the least, kept in [0, 1].

    ``(sum (y - r)(t - r) + s q) / (sum (y - r)^2 + q)``, where s is the share of all choices of as many sources and q
    their squares an image: a choice that came up in few images, or in none, leans on those.

    Args:
        sums: (3, choices, M), of ``(y - r)(t - r)``, of ``(y - r)^2`` and of images; a choice's number is ``sum 2^m``.
        asked: (choices, M) bool, what could have come up; all else gets 1, the network alone.

    Returns:
        (choices, M).

    Example:
        >>> once = torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
        >>> asked = torch.tensor([[False, False], [False, True], [True, False], [False, False]])
        >>> solved_shares(torch.stack([once, 2 * once, once]), asked).tolist()
        [[1.0, 1.0], [1.0, 0.5], [1.0, 1.0], [1.0, 1.0]]
    """
    sizes = torch.tensor([choice.bit_count() for choice in range(sums.shape[1])])
    alike = (sizes.unsqueeze(1) == sizes).to(sums)  # (choices, choices)
    products, squares, _ = sums
    both, own, count = alike @ sums  # (choices, M)
    share, square = (both / own).clamp(0, 1), own / count  # (choices, M)
    shares = (products + share * square) / (squares + square)  # (choices, M)
    return torch.where(asked & (own > 0), shares, 1.0).clamp(0, 1)  # (choices, M)


def askable(held: Iterable[int], modalities: int) -> Tensor:
    """Tell which targets may be asked for from which sources of samples that have some modalities.

    Args:
        held: Numbers of what samples have, ``sum 2^m``.
        modalities: How many there are.

    Returns:
        (choices, M) bool.

    Example:
        >>> askable([3], modalities=2).nonzero().tolist()
        [[1, 1], [2, 0]]
    """
    choice = torch.arange(2**modalities).unsqueeze(1)  # (choices, 1)
    target = 2 ** torch.arange(modalities)  # (M,)
    possible = torch.zeros(2**modalities, modalities, dtype=torch.bool)
    for every in held:
        possible |= (choice | target | every == every) & (choice & target == 0) & (choice > 0)  # (choices, M)
    return possible
