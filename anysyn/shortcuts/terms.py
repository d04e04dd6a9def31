"""The terms of a regression: what it knows of a voxel, as numbers that the answer is a weighted sum of."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

from anysyn.shortcuts.intensities import hats


class Terms(NamedTuple):
    """Say how finely intensities are told apart.

    Args:
        knots: Of the intensity at a voxel, and of the mean around it.
        pairs: Of each intensity, where two sources act together.
        around: Voxels that are looked at, the one in the middle the voxel itself.
    """

    knots: int
    pairs: int
    around: int

    def of(self, known: Tensor) -> Tensor:
        """Lay the terms out, in the order of `labels`.

        For each source the intensities around the voxel, and, by hat functions, its own and the mean around it; for
        each two sources the products of their hat functions; and a one. A sum of them with weights is piecewise
        linear in each intensity, bilinear in each two, and linear in the neighbours.

        Args:
            known: (N, J, P), the intensities around N voxels in J sources.

        Returns:
            (N, D).

        Example:
            >>> terms = Terms(knots=4, pairs=2, around=9)
            >>> terms.of(torch.rand(5, 2, 9)).shape, len(terms.labels([0, 3]))
            (torch.Size([5, 39]), 39)
        """
        own = known[..., self.around // 2]  # (N, J)
        coarse = hats(own, self.pairs)  # (N, J, pairs)
        both = [
            (coarse[:, a, :, None] * coarse[:, b, None, :]).flatten(1)  # (N, pairs * pairs)
            for a, b in combinations(range(own.shape[1]), 2)
        ]
        alone = [known, hats(own, self.knots), hats(known.mean(-1), self.knots)]  # (N, J, ...) each
        return torch.cat([own.new_ones(len(own), 1), *(one.flatten(1) for one in alone), *both], 1)  # (N, D)

    def labels(self, sources: Sequence[int]) -> list[Hashable]:
        """Name the terms of some sources, each by what it is of.

        Args:
            sources: Numbers of modalities, rising.
        """
        return [
            "one",
            *(("around", m, p) for m in sources for p in range(self.around)),
            *((what, m, k) for what in ("own", "mean") for m in sources for k in range(self.knots)),
            *(("both", a, b, k) for a, b in combinations(sources, 2) for k in range(self.pairs**2)),
        ]

    def itself(self, source: int) -> Hashable:
        """Name the term that is the intensity of a source at the voxel."""
        return ("around", source, self.around // 2)

    def places(self, labels: Sequence[Hashable], sources: Sequence[int]) -> list[int]:
        """Say where among the terms of some sources those of these names stand.

        Args:
            labels: Names of terms.
            sources: Numbers of modalities, rising; all terms are of them.

        Example:
            >>> terms = Terms(knots=2, pairs=2, around=1)
            >>> terms.places(terms.labels([3]), [0, 3])
            [0, 2, 5, 6, 9, 10]
        """
        where = {label: place for place, label in enumerate(self.labels(sources))}
        return [where[label] for label in labels]
