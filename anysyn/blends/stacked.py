"""Stack a network on a regression: one share for each choice of sources and each target."""

from __future__ import annotations

import torch
from torch import Tensor

from anysyn.blends.blend import Blend
from anysyn.losses.selective import synthesized
from anysyn.nn.solved import Solved
from anysyn.ops import choices, spread
from anysyn.points import Places, sample_at
from anysyn.registry import Given, register
from anysyn.shortcuts import Shortcut
from anysyn.types import Batch, Outcome, Query


@register("blend", "stacked")
class Stacked(Blend):
    """Answer ``r + share (y - r)``: y is the network's answer, r that of a regression (Wolpert, Neural Networks 1992).

    One network for all choices of sources does best where the choices are many and few images tell of each; a
    regression of its own for each choice, where intensities tell nearly all. So the share is another for each choice
    and target: that by which the squared error on the training images is the least,
    ``sum (y - r)(t - r) / sum (y - r)^2``, kept in [0, 1]. Where no training image tells it is 1, the network alone. So
    it is for a dataset that was added later, whose intensities the regression does not know, and in part for a sample
    that is said to come from several.

    Args:
        modalities: How many modalities the recipe has.
        of: The regression, solved before the first step.

    Raises:
        ValueError: If ``of`` is not solved but learns by steps, none of which would reach it.

    Example:
        >>> from anysyn.shortcuts import Regression
        >>> blend = Stacked(modalities=2, of=Regression(modalities=2))  # not observed, so that it answers zero
        >>> batch = Batch(torch.ones(1, 2, 8, 8), torch.ones(1, 2).bool(), torch.zeros(1).long(), torch.ones(1, 2))
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
        self.register_buffer("shares", torch.ones(2**modalities, modalities))  # (choices, M)
        self.register_buffer("datasets", torch.zeros((), dtype=torch.int64))  # among which it was solved
        self.most = -1  # largest number of a dataset that was weighed
        self.sums = torch.zeros(2, 2**modalities, modalities, dtype=torch.float64)

    @property
    def solved(self) -> bool:
        """Return whether it has been solved; before that it leaves the answers as they are."""
        return bool(self.get_buffer("datasets") > 0)

    def forward(self, answers: Tensor, batch: Batch, query: Query, places: Places | None = None) -> Tensor:
        """Return answers (B, K, *S), (B, K, Q) or (B, K, *N) about a batch, mixed."""
        if answers.is_meta or not self.solved:
            return answers
        known = self._known(batch.dataset).to(answers).unsqueeze(1)  # (B, 1)
        if not bool(known.any()):  # then the regression need not be asked
            return answers
        shares = self.get_buffer("shares")[choices(query.sources, self.modalities)]  # (B, M)
        shares = shares.gather(1, query.targets).to(answers)  # (B, K)
        shares = torch.lerp(torch.ones_like(shares), shares, known)  # (B, K)
        direct = self._direct(batch.images, query, places)  # (B, K, *S), (B, K, Q) or (B, K, *N)
        return direct + spread(shares, answers) * (answers - direct)

    def _known(self, dataset: Tensor) -> Tensor:
        """Return how much of what samples come from was there when it was solved: (B,)."""
        among = int(self.get_buffer("datasets"))
        return dataset < among if dataset.ndim == 1 else dataset[:, :among].sum(1)  # (B,)

    def weigh(self, outcome: Outcome) -> None:
        """Add up what the network's own answers to a query of the training images are worth.

        Args:
            outcome: Only targets that have a truth and were not shown count.
        """
        batch, query = outcome.batch, outcome.query
        mask = synthesized(outcome)  # (B, K)
        direct = self._direct(batch.images, query, batch.points)[mask]  # (N, *S) or (N, Q)
        ours = (outcome.prediction[mask] - direct).flatten(1).double()  # (N, V)
        best = (outcome.truth[mask] - direct).flatten(1).double()  # (N, V)
        rows = choices(query.sources, self.modalities).unsqueeze(1).expand_as(mask)[mask]  # (N,)
        where = (rows.cpu(), query.targets[mask].cpu())
        for sums, products in zip(self.sums, (ours * best, ours.square()), strict=True):
            sums.index_put_(where, products.sum(1).cpu(), accumulate=True)
        self.most = max(self.most, int(batch.dataset.max()))

    def solve(self) -> None:
        """Solve the shares from what was weighed, and forget that."""
        both, own = self.sums
        shares = torch.where(own > 0, both / own, 1.0).clamp(0, 1)  # (choices, M)
        self.get_buffer("shares").copy_(shares)
        self.get_buffer("datasets").fill_(self.most + 1)
        self.sums.zero_()

    def _direct(self, images: Tensor, query: Query, places: Places | None) -> Tensor:
        direct: Tensor = self.of(images, query)  # (B, K, *S)
        return direct if places is None else sample_at(direct, places)  # (B, K, *S), (B, K, Q) or (B, K, *N)
