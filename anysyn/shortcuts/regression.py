"""A shortcut that is solved before the training: a regression for each choice of sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Generator, Tensor

from anysyn.nn.arithmetic import in_float32
from anysyn.ops import pick, rejoin, rows_by_value
from anysyn.registry import Given, register
from anysyn.shortcuts.intensities import neighbours, windows
from anysyn.shortcuts.ridge import VOXELS, Choice, Products
from anysyn.shortcuts.shortcut import Shortcut
from anysyn.shortcuts.terms import Terms
from anysyn.types import Modulate, Query, unmodulated

MOST = 10  # modalities: there are 2 ** M choices of sources


@register("shortcut", "regression")
class Regression(Shortcut):
    """Add what the intensities of all sources at a voxel, and near it, tell of the target there: a ridge regression.

    It has no step of training: before the first one, what the training images say is added up, and the weights of each
    choice of sources and each target are solved from it: ``(G / n + ridge I) w = b / n``, where G are the products of
    the terms (`Terms`) with one another, summed over n voxels, and b those with the target. The network only has to
    draw what the regression misses. A target that is shown is answered by itself; of one that no subject has beside the
    sources nothing is known, and the answer is zero.

    Args:
        modalities: How many modalities the recipe has, at most 10.
        dimensions: Axes along which a voxel has neighbours; slices of a slab are none of each other.
        knots: Intensities from 0 to 1 between which it is linear, 2 or more.
        pairs: As many, coarser, where two sources act together.
        reach: How many voxels away a neighbour is at the most, along each axis; 0 for a voxel by itself.
        voxels: Drawn at random from each sample.
        ridge: How much a squared weight costs beside the mean squared error.

    Raises:
        ValueError: If there are too many modalities, or a number makes no sense.

    Example:
        >>> shortcut = Regression(modalities=2, knots=4, voxels=256)
        >>> images = torch.rand(4, 1, 16, 16).repeat(1, 2, 1, 1) * torch.tensor([1.0, 0.5]).reshape(2, 1, 1)
        >>> shortcut.observe(images, torch.ones(4, 2, dtype=torch.bool), Generator().manual_seed(0))
        >>> shortcut.solve()
        >>> answer = shortcut(images, Query(torch.zeros(4, 1).long(), torch.ones(4, 1).long()))
        >>> bool((answer[:, 0] - images[:, 1]).abs().max() < 0.01)
        True
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int] = 2,
        knots: int = 16,
        pairs: int = 8,
        reach: int = 1,
        voxels: int = 256,
        ridge: float = 1e-6,
    ) -> None:
        super().__init__()
        if modalities > MOST:
            raise ValueError(f"shortcut: {modalities} modalities have {2**modalities} choices; it takes {MOST} at most")
        if min(knots, pairs) < 2 or reach < 0 or voxels < 1 or ridge <= 0:
            raise ValueError(
                f"shortcut: knots {knots}, pairs {pairs}, reach {reach}, voxels {voxels}, ridge {ridge}; it needs two "
                "knots and pairs, a reach of 0 or more, a voxel and a ridge above 0"
            )
        self.modalities, self.dimensions, self.reach = modalities, dimensions, reach
        self.voxels = voxels
        self.terms = Terms(knots=knots, pairs=pairs, around=(2 * reach + 1) ** dimensions)
        self.products = Products(terms=self.terms, ridge=ridge)
        rows = torch.zeros(2**modalities, dtype=torch.int64)
        for count in range(1, modalities):
            choices = list(combinations(range(modalities), count))
            rows[[sum(2**m for m in choice) for choice in choices]] = torch.arange(len(choices))
            self.register_buffer(f"weights{count}", self._themselves(choices))
        self.register_buffer("rows", rows, persistent=False)

    def _themselves(self, choices: Sequence[Choice]) -> Tensor:
        """Return weights (choices, D, M) by which what is shown is answered by itself, and all else by zero."""
        weights = torch.zeros(len(choices), len(self.terms.labels(choices[0])), self.modalities)
        for row, choice in enumerate(choices):
            itself = self.terms.places([self.terms.itself(source) for source in choice], choice)
            weights[row, itself, list(choice)] = 1.0
        return weights

    def observe(self, images: Tensor, available: Tensor, generator: Generator) -> None:
        """Add up what voxels of some samples say.

        Args:
            images: (B, M, *S).
            available: (B, M) bool.
            generator: Draws the voxels, on the CPU.
        """
        for held, rows in _alike(available):
            some = images[rows][:, list(held)]  # (R, J, *S)
            drawn = torch.randint(some[0, 0].numel(), (len(rows), self.voxels), generator=generator)
            where = torch.unravel_index(drawn.to(some.device), some.shape[2:])  # (R, voxels) for each axis
            sample = torch.arange(len(rows), device=some.device).unsqueeze(1)  # (R, 1)
            index: tuple[Any, ...] = (sample, slice(None), *where)
            known = windows(some, self.reach, self.dimensions)[index]  # (R, voxels, J, *W)
            self.products.add(held, known.flatten(3).flatten(0, 1))  # of (N, J, P)

    def solve(self) -> None:
        """Solve the weights from what was observed, and forget that."""
        everything = range(self.modalities)
        for count in everything[1:]:
            weights = self.get_buffer(f"weights{count}")  # (choices, D, M)
            for row, sources in enumerate(combinations(everything, count)):
                for targets, solved in self.products.solved(sources, [m for m in everything if m not in sources]):
                    weights[row][:, targets] = solved.to(weights)
        self.products.sums.clear()

    def _around(self, images: Tensor) -> Tensor:
        """Lay out what is around each voxel of images (B, J, *S): (B, V, J, P)."""
        return neighbours(images, self.reach, self.dimensions).flatten(2, -2).transpose(1, 2)  # (B, V, J, P)

    def forward(self, images: Tensor, query: Query, modulate: Modulate = unmodulated) -> Tensor:
        """Return (B, K, *S) for images (B, M, *S)."""
        if images.is_meta:
            return images[:, :1].expand(-1, query.targets.shape[1], *images.shape[2:]).clone()  # (B, K, *S)
        shown = torch.zeros(images.shape[:2], dtype=torch.bool, device=images.device)
        shown = shown.scatter(1, query.sources, True)  # (B, M)
        groups = rows_by_value(shown.sum(1))
        answers = [self._answer(images[rows], shown[rows], query.targets[rows], count) for count, rows in groups]
        return rejoin(answers, [rows for _, rows in groups])  # (B, K, *S)

    def _answer(self, images: Tensor, shown: Tensor, targets: Tensor, count: int) -> Tensor:
        """Answer samples that show as many sources: (R, K, *S)."""
        if count == self.modalities:
            return pick(images, targets)  # (R, K, *S)
        sources = shown.nonzero()[:, 1].reshape(len(images), count)  # (R, J), rising
        known = self._around(pick(images, sources))  # (R, V, J, P)
        weights = self.get_buffer(f"weights{count}")[self.get_buffer("rows")[(2**sources).sum(1)]]  # (R, D, M)
        weights = weights.gather(2, targets.unsqueeze(1).expand(-1, weights.shape[1], -1))  # (R, D, K)
        with in_float32(images.device):
            rows = [
                torch.cat([self.terms.of(part) @ weight for part in torch.split(one.float(), VOXELS)])  # (V, K)
                for one, weight in zip(known, weights, strict=True)
            ]
        return torch.stack(rows).transpose(1, 2).reshape(*targets.shape, *images.shape[2:])  # (R, K, *S)


def _alike(available: Tensor) -> Iterator[tuple[Choice, Tensor]]:
    """Yield what samples (B, M) have, and the rows (R,) of those that have just that."""
    for pattern in torch.unique(available, dim=0):
        rows = (available == pattern).all(1).nonzero().flatten()  # (R,)
        yield tuple(pattern.nonzero().flatten().tolist()), rows
