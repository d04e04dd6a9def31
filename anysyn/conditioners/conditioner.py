"""The contract of a conditioner: what is known (a descriptor), how it acts (`forward`), where (sites)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from anysyn.nn.arithmetic import Affine, compose
from anysyn.registry import Given
from anysyn.types import Batch, Condition, Descriptor, Query, Site


class Conditioner(nn.Module):
    """Act on features at sites, never changing their shape.

    Args:
        sites: Where it acts, resolved from the recipe's ``at``.
        reads: What it knows.
    """

    kind: ClassVar[str] = "conditioner"
    for_build: ClassVar[Mapping[str, Any]] = {"at": str | Sequence[str]}  # recipe keys that become `sites`

    def __init__(self, *, sites: Given[Sequence[Site]], reads: Descriptor) -> None:
        super().__init__()
        self.sites: dict[str, Site] = {site.name: site for site in sites}
        self.reads = reads

    def embed(self, batch: Batch, query: Query) -> Condition:
        """Describe the sources and the targets once per forward pass."""
        condition: Condition = self.reads(batch, query)
        return condition

    def tokens(self, condition: Condition, site: str) -> Tensor:
        """Return the tokens (B, L, D) that act at a site: the target's, unless a conditioner says otherwise."""
        return condition.target

    def affine(self, condition: Condition, site: str) -> Affine | None:
        """Return what it does at a site, if that is a scale and a shift of each channel; None where it is not.

        A network may then take it into a linear layer of its own, instead of calling `forward`.
        """
        return None

    def forward(self, features: Tensor, condition: Condition, site: str) -> Tensor:
        """Act at one site: (B, C, *S) to (B, C, *S)."""
        raise NotImplementedError

    def per_site(self, make: Callable[[Site], nn.Module]) -> nn.ModuleDict:
        """Make one module for each site; `at` finds it again."""
        return nn.ModuleDict({_key(name): make(site) for name, site in self.sites.items()})

    def at(self, modules: nn.ModuleDict, site: str) -> nn.Module:
        """Return the module that `per_site` made for a site."""
        return modules[_key(site)]


def _key(site: str) -> str:
    return site.replace("/", "-")


class Conditioners(nn.ModuleList):
    """Apply conditioners in the order of the recipe."""

    def __iter__(self) -> Iterator[Conditioner]:
        """Go over the conditioners, in order."""
        return super().__iter__()  # type: ignore[return-value]

    def embed(self, batch: Batch, query: Query) -> list[Condition]:
        """Describe sources and targets to every conditioner."""
        return [conditioner.embed(batch, query) for conditioner in self]

    def modulate(self, conditions: Sequence[Condition]) -> Modulation:
        """Return what a network calls at its sites."""
        return Modulation(self, conditions)

    def agree(self, first: Sequence[Condition], second: Sequence[Condition], side: str) -> bool:
        """Return whether two sets of conditions of one batch act alike on one side, so that its features can be shared.

        They do if they are the same, or the descriptor reads no query; otherwise their values are compared, for which
        the device is waited for: with several targets, and conditioners on that side that know the target.
        """
        return first is second or all(
            a is b
            or not conditioner.reads.reads_query
            or conditioner.tokens(a, name).equal(conditioner.tokens(b, name))
            for conditioner, a, b in zip(self, first, second, strict=True)
            for name, site in conditioner.sites.items()
            if site.side == side
        )


class Modulation:
    """Conditioners at the sites of a network, one after the other, for given conditions.

    Args:
        conditioners: What acts, in order.
        conditions: The condition of each.
    """

    def __init__(self, conditioners: Conditioners, conditions: Sequence[Condition]) -> None:
        self.pairs = list(zip(conditioners, conditions, strict=True))

    def __call__(self, site: str, features: Tensor) -> Tensor:
        """Act at a site: (B, C, *S) to (B, C, *S)."""
        for conditioner, condition in self._acting(site):
            features = conditioner(features, condition, site)
        return features

    def affine(self, site: str) -> Affine | None:
        """Return the scale and the shift that all together are at a site; None if nothing acts, or something else."""
        whole: Affine | None = None
        for conditioner, condition in self._acting(site):
            one = conditioner.affine(condition, site)
            if one is None:
                return None
            whole = one if whole is None else compose(whole, one)
        return whole

    def _acting(self, site: str) -> list[tuple[Conditioner, Condition]]:
        return [pair for pair in self.pairs if site in pair[0].sites]
