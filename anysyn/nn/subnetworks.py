"""Several networks of the same design, each with a name that is part of its sites' names."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor, nn

from anysyn.types import Modulate, Site


def copies(network: nn.Module, names: Sequence[str]) -> nn.ModuleDict:
    """Make a network of the same design for each name, with independent initial weights.

    The first is the network itself. In the others every module with ``reset_parameters`` is initialised again; the
    parameters of any other module, such as the position bias of a Swin window, start as in the first. So does a module
    that is marked ``published``, as its weights are pretrained.

    Example:
        >>> networks = copies(nn.Linear(3, 2), ["T1w", "T2w"])
        >>> list(networks), networks["T1w"].weight.equal(networks["T2w"].weight)
        (['T1w', 'T2w'], False)
    """
    others = [copy.deepcopy(network) for _ in names[1:]]
    for module in (module for other in others for module in _not_pretrained(other)):
        initialise = getattr(module, "reset_parameters", None)
        if callable(initialise):
            initialise()
    return nn.ModuleDict(dict(zip(names, (network, *others), strict=True)))


def _not_pretrained(network: nn.Module) -> Iterator[nn.Module]:
    if not getattr(network, "published", False):
        yield network
        for child in network.children():
            yield from _not_pretrained(child)


def prefixed(site: str, name: str) -> str:
    """Insert the name of a sub-network into the name of its site.

    Example:
        >>> prefixed("encoder/block0", "T1w")
        'encoder/T1w/block0'
    """
    side, place = site.split("/", 1)
    return f"{side}/{name}/{place}"


def sites_of(sites: Sequence[Site], names: Sequence[str]) -> list[Site]:
    """List the sites of all sub-networks of a design.

    Example:
        >>> [site.name for site in sites_of([Site("decoder/in", 8)], ["T1w", "T2w"])]
        ['decoder/T1w/in', 'decoder/T2w/in']
    """
    return [replace(site, name=prefixed(site.name, name)) for name in names for site in sites]


def within(modulate: Modulate, name: str) -> Modulate:
    """Return a modulation for a sub-network, which names its sites as its design does.

    Example:
        >>> import torch
        >>> within(lambda site, x: print(site), "T2w")("decoder/in", torch.zeros(1))
        decoder/T2w/in
    """

    def act(site: str, features: Tensor) -> Tensor:
        return modulate(prefixed(site, name), features)

    return act
