"""Warm start: initial weights of a network from another one, trained before."""

from __future__ import annotations

import torch
from torch import nn


def common_weights(network: nn.Module, other: nn.Module) -> list[str]:
    """List the weights and buffers that have the same name and shape in two networks.

    Example:
        >>> common_weights(nn.Linear(2, 3), nn.Linear(5, 3))
        ['bias']
    """
    theirs = other.state_dict()
    return [name for name, own in network.state_dict().items() if name in theirs and own.shape == theirs[name].shape]


@torch.no_grad()
def take_weights(network: nn.Module, other: nn.Module) -> None:
    """Copy the weights and buffers that a network has in common with another one.

    Example:
        >>> network, other = nn.Linear(2, 3), nn.Linear(2, 3)
        >>> take_weights(network, other)
        >>> torch.equal(network.weight, other.weight)
        True
    """
    own, theirs = network.state_dict(), other.state_dict()
    for name in common_weights(network, other):
        own[name].copy_(theirs[name])
