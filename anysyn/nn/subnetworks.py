"""Several networks of one design side by side, each under a name that goes before its sites."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor, nn

from anysyn.types import Modulate, Site


def copies(network: nn.Module, names: Sequence[str]) -> nn.ModuleDict:
    """Make a network of one design for each name, the weights of each drawn independently.

    The first is the network itself. In the others every module with a ``reset_parameters`` draws its weights anew, as
    it did when it was made; a parameter of any other module, such as the position bias of a Swin window, begins as in
    the first. So does all of a module that says it is ``published``: its weights were read, not drawn.

    Args:
        network: The design.
        names: One for each copy; none holds a dot.

    Example:
        >>> made = copies(nn.Linear(3, 2), ["T1w", "T2w"])
        >>> list(made), made["T1w"].weight.equal(made["T2w"].weight)
        (['T1w', 'T2w'], False)
    """
    others = [copy.deepcopy(network) for _ in names[1:]]
    for module in (module for other in others for module in _drawn(other)):
        draw_anew = getattr(module, "reset_parameters", None)
        if callable(draw_anew):
            draw_anew()
    return nn.ModuleDict(dict(zip(names, (network, *others), strict=True)))


def _drawn(network: nn.Module) -> Iterator[nn.Module]:
    if not getattr(network, "published", False):
        yield network
        for child in network.children():
            yield from _drawn(child)


def prefixed(site: str, name: str) -> str:
    """Put the name of a sub-network into the name of its site.

    Example:
        >>> prefixed("encoder/block0", "T1w")
        'encoder/T1w/block0'
    """
    side, place = site.split("/", 1)
    return f"{side}/{name}/{place}"


def sites_of(sites: Sequence[Site], names: Sequence[str]) -> list[Site]:
    """List the sites of every sub-network of one design.

    Example:
        >>> [site.name for site in sites_of([Site("decoder/in", 8)], ["T1w", "T2w"])]
        ['decoder/T1w/in', 'decoder/T2w/in']
    """
    return [replace(site, name=prefixed(site.name, name)) for name in names for site in sites]


def within(modulate: Modulate, name: str) -> Modulate:
    """Let a sub-network call its sites by the names of its design.

    Example:
        >>> import torch
        >>> within(lambda site, x: print(site), "T2w")("decoder/in", torch.zeros(1))
        decoder/T2w/in
    """

    def act(site: str, features: Tensor) -> Tensor:
        return modulate(prefixed(site, name), features)

    return act
