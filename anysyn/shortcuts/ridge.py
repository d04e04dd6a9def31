"""A ridge regression for every choice of sources, from sums that are taken once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

import torch
from torch import Tensor

from anysyn.shortcuts.terms import Terms

Choice = tuple[int, ...]  # numbers of modalities, rising

VOXELS = 2**15  # whose terms are laid out at once: what bounds the memory


class Products:
    """Sum the products of terms over voxels, and solve from the sums.

    The terms of some sources are among those of all that a sample has, so the sums of its voxels serve every choice.

    Args:
        terms: What is known of a voxel.
        ridge: How much a squared weight costs beside the mean squared error.
    """

    def __init__(self, *, terms: Terms, ridge: float) -> None:
        self.terms, self.ridge = terms, ridge
        self.sums: dict[Choice, Tensor] = {}

    def add(self, held: Choice, known: Tensor) -> None:
        """Add voxels.

        Args:
            held: The modalities of their samples.
            known: (N, J, P), the intensities around N voxels in those modalities.
        """
        for part in torch.split(known, VOXELS):
            terms = self.terms.of(part)  # (N, D)
            products = (terms.T @ terms).double().cpu()  # (D, D)
            self.sums[held] = products if held not in self.sums else self.sums[held] + products

    def solved(self, sources: Choice, targets: Sequence[int]) -> Iterator[tuple[list[int], Tensor]]:
        """Solve ``(G / n + ridge I) w = b / n`` for targets, over the n voxels of samples that have all of it.

        Args:
            sources: What is shown.
            targets: Numbers of modalities that are not shown; one that no sample has beside the sources is left out.

        Yields:
            Some of the targets, and the weights (D, K) for them.
        """
        for held, together in self._by_samples(sources, targets).items():
            rows = self.terms.labels(sources)
            columns = [*rows, *(self.terms.itself(target) for target in together)]
            both = torch.stack([self._part(one, rows, columns) for one in held]).sum(0)  # (D, D + K)
            both = both / both[0, 0]  # the first term is 1, so its square counts the voxels
            left = both[:, : len(rows)] + self.ridge * torch.eye(len(rows), dtype=both.dtype)  # (D, D)
            yield together, torch.linalg.solve(left, both[:, len(rows) :])  # (D, K)

    def _by_samples(self, sources: Choice, targets: Sequence[int]) -> dict[tuple[Choice, ...], list[int]]:
        """Put the targets together that the same samples have beside the sources."""
        together = defaultdict[tuple[Choice, ...], list[int]](list)
        for target in targets:
            together[tuple(held for held in self.sums if {*sources, target} <= {*held})].append(target)
        together.pop((), None)
        return together

    def _part(self, held: Choice, rows: Sequence[Hashable], columns: Sequence[Hashable]) -> Tensor:
        return self.sums[held][self.terms.places(rows, held)][:, self.terms.places(columns, held)]
