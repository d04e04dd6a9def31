"""A shortcut that is solved before the training: a regression for each choice of sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from anysyn.nn.arithmetic import in_float32
from anysyn.nn.solved import Lengthening, known_part
from anysyn.ops import pick, rejoin, rows_by_value
from anysyn.registry import Given, register
from anysyn.shortcuts.intensities import neighbours, windows
from anysyn.shortcuts.ridge import VOXELS, Choice, Products
from anysyn.shortcuts.shortcut import Shortcut
from anysyn.shortcuts.terms import Terms
from anysyn.types import Batch, Modulate, Query, unmodulated

MOST = 10  # modalities: there are 2 ** M choices of sources


@register("shortcut", "regression")
class Regression(Lengthening, Shortcut):
    """Add what the intensities of all sources at a voxel, and near it, tell of the target there: a ridge regression.

    It has no step of training: before the first one, what the training images say is added up, and the weights of each
    choice of sources and each target are solved from it: ``(G / n + ridge I) w = b / n``, where G are the products of
    the terms (`Terms`) with one another, summed over n voxels, and b those with the target. The network only has to
    draw what the regression misses. A target that is shown is answered by itself; of one that no subject has beside the
    sources nothing is known, and the answer is zero.

    Where each dataset has a regression of its own, what a sample that comes in part from several is answered with is
    the mean of theirs, and so it is of all for one of a dataset that was added later.

    Args:
        modalities: How many modalities the recipe has, at most 10.
        dimensions: Axes along which a voxel has neighbours; slices of a slab are none of each other.
        knots: Intensities from 0 to 1 between which it is linear, 2 or more.
        pairs: As many, coarser, where two sources act together.
        reach: How many voxels away a neighbour is at the most, along each axis; 0 for a voxel by itself.
        voxels: Drawn at random from each sample.
        ridge: How much a squared weight costs beside the mean squared error.
        for_each: Whether there is one regression for the whole ``cohort`` or one for each ``dataset``.

    Raises:
        ValueError: If there are too many modalities, or a number makes no sense.

    Example:
        >>> shortcut = Regression(modalities=2, knots=4, voxels=256)
        >>> images = torch.rand(4, 1, 16, 16).repeat(1, 2, 1, 1) * torch.tensor([1.0, 0.5]).reshape(2, 1, 1)
        >>> batch = Batch.complete(images)
        >>> shortcut.observe(batch, Generator().manual_seed(0))
        >>> shortcut.solve()
        >>> answer = shortcut(batch, Query(torch.zeros(4, 1).long(), torch.ones(4, 1).long()))
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
        for_each: Literal["cohort", "dataset"] = "cohort",
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
        self.voxels, self.ridge, self.reads_dataset = voxels, ridge, for_each == "dataset"
        self.terms = Terms(knots=knots, pairs=pairs, around=(2 * reach + 1) ** dimensions)
        self.products: dict[int, Products] = {}  # of each dataset
        rows = torch.zeros(2**modalities, dtype=torch.int64)
        for count in range(1, modalities):
            choices = list(combinations(range(modalities), count))
            rows[[sum(2**m for m in choice) for choice in choices]] = torch.arange(len(choices))
            self.register_buffer(f"weights{count}", self._themselves(choices).unsqueeze(0))  # (N, choices, D, M)
        self.register_buffer("rows", rows, persistent=False)

    def _themselves(self, choices: Sequence[Choice]) -> Tensor:
        """Return weights (choices, D, M) by which what is shown is answered by itself, and all else by zero."""
        weights = torch.zeros(len(choices), len(self.terms.labels(choices[0])), self.modalities)
        for row, choice in enumerate(choices):
            itself = self.terms.places([self.terms.itself(source) for source in choice], choice)
            weights[row, itself, list(choice)] = 1.0
        return weights

    def observe(self, batch: Batch, generator: Generator) -> None:
        """Add up what voxels of some samples say.

        Args:
            batch: With images (B, M, *S).
            generator: Draws the voxels, on the CPU.
        """
        for number, rows in rows_by_value(self._told(batch).argmax(1)):
            products = self.products.setdefault(number, Products(terms=self.terms, ridge=self.ridge))
            for held, alike in _alike(batch.available[rows]):
                some = batch.images[rows[alike]][:, list(held)]  # (R, J, *S)
                products.add(held, self._drawn(some, generator))

    def _told(self, batch: Batch) -> Tensor:
        """Return the number of the regression for each sample: (B,), or shares of several (B, N)."""
        return batch.dataset if self.reads_dataset else torch.ones(len(batch.images), 1, device=batch.images.device)

    def _drawn(self, some: Tensor, generator: Generator) -> Tensor:
        """Return what is around voxels that are drawn from each of some samples (R, J, *S): (N, J, P)."""
        drawn = torch.randint(some[0, 0].numel(), (len(some), self.voxels), generator=generator)
        where = torch.unravel_index(drawn.to(some.device), some.shape[2:])  # (R, voxels) for each axis
        sample = torch.arange(len(some), device=some.device).unsqueeze(1)  # (R, 1)
        index: tuple[Any, ...] = (sample, slice(None), *where)
        known = windows(some, self.reach, self.dimensions)[index]  # (R, voxels, J, *W)
        return known.flatten(3).flatten(0, 1)  # (N, J, P)

    def solve(self) -> None:
        """Solve the weights from what was observed, and forget that."""
        for count in range(1, self.modalities):
            choices = list(combinations(range(self.modalities), count))
            weights = self._themselves(choices).repeat(max(self.products) + 1, 1, 1, 1)  # (N, choices, D, M)
            for number, products in self.products.items():
                for row, sources in enumerate(choices):
                    others = [m for m in range(self.modalities) if m not in sources]
                    for targets, solved in products.solved(sources, others):
                        weights[number, row][:, targets] = solved.to(weights)
            self.register_buffer(f"weights{count}", weights.to(self.get_buffer(f"weights{count}")))
        self.products.clear()

    def _around(self, images: Tensor) -> Tensor:
        """Lay out what is around each voxel of images (B, J, *S): (B, V, J, P)."""
        return neighbours(images, self.reach, self.dimensions).flatten(2, -2).transpose(1, 2)  # (B, V, J, P)

    def forward(self, batch: Batch, query: Query, modulate: Modulate = unmodulated) -> Tensor:
        """Return (B, K, *S) for a batch with images (B, M, *S)."""
        images = batch.images
        if images.is_meta:
            return images[:, :1].expand(-1, query.targets.shape[1], *images.shape[2:]).clone()  # (B, K, *S)
        shown = torch.zeros(images.shape[:2], dtype=torch.bool, device=images.device)
        shown = shown.scatter(1, query.sources, True)  # (B, M)
        shares = self._shares(batch)  # (B, N)
        groups = rows_by_value(shown.sum(1))
        answers = [
            self._answer(images[rows], shown[rows], query.targets[rows], shares[rows], count) for count, rows in groups
        ]
        return rejoin(answers, [rows for _, rows in groups])  # (B, K, *S)

    def _shares(self, batch: Batch) -> Tensor:
        """Return how much each regression has to say of each sample: (B, N), adding up to one."""
        solved = len(self.get_buffer("weights1")) if self.modalities > 1 else 1
        known = known_part(self._told(batch), solved)  # (B, N)
        return known + (1 - known.sum(1, keepdim=True)) / solved  # (B, N)

    def _answer(self, images: Tensor, shown: Tensor, targets: Tensor, shares: Tensor, count: int) -> Tensor:
        """Answer samples that show as many sources: (R, K, *S)."""
        if count == self.modalities:
            return pick(images, targets)  # (R, K, *S)
        sources = shown.nonzero()[:, 1].reshape(len(images), count)  # (R, J), rising
        known = self._around(pick(images, sources))  # (R, V, J, P)
        every = self.get_buffer(f"weights{count}")[:, self.get_buffer("rows")[(2**sources).sum(1)]]  # (N, R, D, M)
        weights = torch.einsum("rn,nrdm->rdm", shares, every)  # (R, D, M)
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
