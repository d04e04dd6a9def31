"""Stack a network on a regression: one share for each choice of sources and each target."""

from __future__ import annotations

import torch
from torch import Tensor

from anysyn.blends.blend import Blend
from anysyn.blends.shares import askable, solved_shares
from anysyn.losses.selective import synthesized
from anysyn.nn.solved import Lengthening, Solved, known_part
from anysyn.ops import choices, rows_by_value, spread
from anysyn.points import Places, sample_at
from anysyn.registry import Given, register
from anysyn.shortcuts import Shortcut
from anysyn.types import Batch, Outcome, Query


@register("blend", "stacked")
class Stacked(Lengthening, Blend):
    """Mix what the network answers, y, with what a regression does, r: ``r + share (y - r)``.

    It is a stacked generalisation (Wolpert, Neural Networks 1992). One network for all choices of sources does best
    where shapes tell; a regression of its own for each choice, where intensities tell nearly all. So the share is
    another for each choice and target: that by which the squared error on the training images is the least, in
    essence ``sum (y - r)(t - r) / sum (y - r)^2``. Where each dataset has a regression, it has shares, too.

    What no training sample has beside the sources is answered by the network alone. So is a sample of a dataset that
    was added later, whose intensities no regression knows, and in part one that is said to come from several.

    Args:
        modalities: How many modalities the recipe has.
        of: The regression, solved before the first step.

    Raises:
        ValueError: If ``of`` is not solved but learns by steps, none of which would reach it.

    Example:
        >>> from anysyn.shortcuts import Regression
        >>> blend = Stacked(modalities=2, of=Regression(modalities=2))  # not observed, so that it answers zero
        >>> batch = Batch.complete(torch.ones(1, 2, 8, 8))
        >>> query, answers = batch.ask(torch.tensor([[0]]), torch.tensor([[1]])), torch.full((1, 1, 8, 8), 4.0)
        >>> mask = torch.ones(1, 1).bool()
        >>> blend.weigh(Outcome(batch, query, answers, batch.images[:, 1:], mask, features=None))
        >>> blend.solve()
        >>> blend(answers, batch, query).mean().item()
        1.0
    """

    def __init__(self, *, modalities: Given[int], of: Shortcut) -> None:
        super().__init__()
        if not isinstance(of, Solved):
            learns = f"{type(of).__name__} learns by steps"
            raise ValueError(f"{learns}, and none would reach it here; take one that is solved: regression")
        self.of, self.modalities = of, modalities
        self.register_buffer("shares", torch.ones(0, 2**modalities, modalities))  # (N, choices, M)
        self.sums: dict[int, Tensor] = {}  # of each dataset: products, squares, images, (3, choices, M)
        self.held: dict[int, set[int]] = {}  # of each dataset: what its samples have

    @property
    def solved(self) -> bool:
        """Return whether it has been solved; before that it leaves the answers as they are."""
        return len(self.get_buffer("shares")) > 0

    def forward(self, answers: Tensor, batch: Batch, query: Query, places: Places | None = None) -> Tensor:
        """Return answers (B, K, *S), (B, K, Q) or (B, K, *N) about a batch, mixed."""
        if answers.is_meta or not self.solved:
            return answers
        known = known_part(batch.dataset, len(self.get_buffer("shares")))  # (B, N)
        if not bool(known.any()):  # then the regression need not be asked
            return answers
        every = self.get_buffer("shares")[:, choices(query.sources, self.modalities)]  # (N, B, M)
        shares = 1 - torch.einsum("bn,nbm->bm", known, 1 - every)  # (B, M)
        direct = self._direct(batch, query, places)  # (B, K, *S), (B, K, Q) or (B, K, *N)
        return direct + spread(shares.gather(1, query.targets), answers) * (answers - direct)

    def weigh(self, outcome: Outcome) -> None:
        """Add up what the network's own answers to a query of the training images are worth.

        Args:
            outcome: Only targets that have a truth and were not shown count.
        """
        batch, query = outcome.batch, outcome.query
        mask = synthesized(outcome)  # (B, K)
        direct = self._direct(batch, query, batch.points)[mask]  # (I, *S) or (I, Q); I images
        ours = (outcome.prediction[mask] - direct).flatten(1).double()  # (I, V)
        best = (outcome.truth[mask] - direct).flatten(1).double()  # (I, V)
        found = torch.stack([(ours * best).sum(1), ours.square().sum(1), torch.ones_like(ours[:, 0])]).cpu()  # (3, I)
        rows = choices(query.sources, self.modalities).unsqueeze(1).expand_as(mask)[mask].cpu()  # (I,)
        targets, datasets = (
            query.targets[mask].cpu(),
            batch.dataset.argmax(1).unsqueeze(1).expand_as(mask)[mask].cpu(),
        )  # (I,)
        for number, here in rows_by_value(datasets):
            kept = self.sums.setdefault(number, torch.zeros(3, *self.get_buffer("shares").shape[1:]).double())
            for sums, values in zip(kept, found, strict=True):
                sums.index_put_((rows[here], targets[here]), values[here], accumulate=True)
        powers = 2 ** torch.arange(self.modalities, device=batch.available.device)  # (M,)
        for number, held in zip(
            batch.dataset.argmax(1).tolist(), (batch.available * powers).sum(1).tolist(), strict=True
        ):
            self.held.setdefault(number, set()).add(held)

    def solve(self) -> None:
        """Solve the shares from what was weighed, and forget that; if nothing was, the network alone answers."""
        if not self.held:
            return
        datasets = range(max(self.held) + 1)
        none = torch.zeros(3, *self.get_buffer("shares").shape[1:]).double()  # (3, choices, M)
        sums = torch.stack([self.sums.get(number, none) for number in datasets])  # (N, 3, choices, M)
        held = [self.held.get(number, set()) for number in datasets]
        if not self.of.reads_dataset:  # then nor may the shares say which it is
            sums, held = sums.sum(0, keepdim=True).expand_as(sums), [set().union(*held)] * len(held)
        asked = [askable(one, self.modalities) for one in held]
        shares = torch.stack([solved_shares(one, each) for one, each in zip(sums, asked, strict=True)])
        self.register_buffer("shares", shares.to(self.get_buffer("shares")))  # (N, choices, M)
        self.sums.clear()
        self.held.clear()

    def _direct(self, batch: Batch, query: Query, places: Places | None) -> Tensor:
        direct: Tensor = self.of(batch, query)  # (B, K, *S)
        return direct if places is None else sample_at(direct, places)  # (B, K, *S), (B, K, Q) or (B, K, *N)
