"""How the networks of a training are executed: compiled, with channels last, with activations computed anew."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from anysyn.recipe import Recipe

LAST = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the axes of a weight


def set_execution(recipe: Recipe, parts: nn.Module) -> None:
    """Let networks be executed as a recipe asks; weights, their names and the numbers stay, but for rounding.

    Args:
        recipe: Its keys ``compile``, ``channels_last`` and ``checkpoint_activations``.
        parts: The networks, on their device.
    """
    if recipe.channels_last:
        put_channels_last(parts)
    for block in list(blocks(parts)):
        if recipe.checkpoint_activations:
            compute_anew(block)
        if recipe.compile:
            block.compile()


def blocks(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the outermost modules of several layers that make one tensor of tensors alone.

    What is conditioned calls back into the conditioners, which neither a compiler nor a second computation should see.

    Example:
        >>> from anysyn.nn.mlp import MLP
        >>> network = nn.ModuleDict({"a": MLP(2, [3], 1), "b": nn.Linear(2, 2)})
        >>> [type(block).__name__ for block in blocks(network)]
        ['MLP']
    """
    for child in network.children():
        if any(True for _ in child.children()) and _of_tensors(child):
            yield child
        else:
            yield from blocks(child)


def _of_tensors(module: nn.Module) -> bool:
    if isinstance(module, nn.Sequential):
        return True
    signature = inspect.signature(module.forward)
    kinds = [parameter.annotation for parameter in signature.parameters.values()]
    return all(kind in ("Tensor", torch.Tensor) for kind in (*kinds, signature.return_annotation))


def put_channels_last(network: nn.Module) -> None:
    """Lay the weights of convolutions out with channels last; what they answer is laid out so, too.

    Args:
        network: Changed in place; optimisers and checkpoints keep the layout.

    Example:
        >>> layer = nn.Conv2d(4, 8, 3)
        >>> put_channels_last(layer)
        >>> layer(torch.rand(1, 4, 5, 5)).is_contiguous(memory_format=torch.channels_last)
        True
    """
    for weight in network.parameters():
        if weight.ndim in LAST:
            weight.data = weight.data.contiguous(memory_format=LAST[weight.ndim])


def compute_anew(block: nn.Module) -> None:
    """Let the backward pass compute a block anew, instead of keeping what its layers computed.

    What the block counts, such as the running mean of a batch norm, is counted once.

    Args:
        block: Changed in place; its weights and their names stay.

    Example:
        >>> block = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        >>> compute_anew(block)
        >>> block(torch.rand(3, 2, requires_grad=True)).sum().backward()
        >>> int(block[1].num_batches_tracked)
        1
    """

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _unchanged(block)

    block.forward = partial(checkpoint, block.forward, use_reentrant=False, context_fn=contexts)


@contextmanager
def _unchanged(block: nn.Module) -> Iterator[None]:
    before = [(buffer, buffer.clone()) for buffer in block.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)
