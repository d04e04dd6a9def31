"""Queries: the source and target modalities of a training step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Generator, Tensor

from anysyn.bounds import Count
from anysyn.errors import RecipeError
from anysyn.ops import among, resolve, rows_by_value
from anysyn.registry import Given, register
from anysyn.types import Batch, Query


@dataclass(kw_only=True, eq=False)
class Queries:
    """A rule by which sources and targets are drawn for a batch.

    Args:
        names: The recipe's modalities, in order.
        sources: Modalities that may be sources; all by default.
        targets: Modalities that may be targets; all by default.

    Attributes:
        most: Largest number of sources of a sample.
    """

    kind: ClassVar[str] = "queries"
    several: ClassVar[bool] = False  # whether a sample may have more than one source
    names: Given[Sequence[str]]
    sources: Sequence[str] | None = None
    targets: Sequence[str] | None = None

    def __post_init__(self) -> None:
        self.may_show = _allowed(self.names, self.sources, "queries.sources")
        self.may_ask = _allowed(self.names, self.targets, "queries.targets")
        self.most = len(self.names if self.sources is None else self.sources) if self.several else 1

    def draw(self, batch: Batch, generator: Generator) -> Query:
        """Draw the sources and targets of a batch; the generator is on the CPU."""
        raise NotImplementedError

    def available(self, batch: Batch) -> Tensor:
        """Return what there is of a batch, (B, M) on the CPU.

        Raises:
            ValueError: If the batch has another number of modalities than this has names.
        """
        if batch.available.shape[1] != len(self.names):
            raise ValueError(
                f"{type(self).__name__}.names {', '.join(self.names)}: {len(self.names)} of them, and the batch has "
                f"{batch.available.shape[1]} modalities; name all of them, in the order of its channels"
            )
        return batch.available.cpu()


def _allowed(names: Sequence[str], chosen: Sequence[str] | None, where: str) -> Tensor:
    mask = torch.zeros(len(names), dtype=torch.bool)  # (M,)
    mask[[resolve(name, names, where) for name in (names if chosen is None else chosen)]] = True
    return mask


def _ranked(allowed: Tensor, generator: Generator) -> Tensor:
    # Random order of the modalities, all allowed ones before all others.
    scores = torch.rand(allowed.shape, generator=generator) - 2.0 * ~allowed  # (B, M)
    return scores.argsort(dim=1, descending=True)  # (B, M)


@register("queries", "one_to_one")
class OneToOne(Queries):
    """One available source and another available target, drawn for each sample.

    Example:
        >>> batch = Batch.complete(torch.zeros(1, 2, 4))
        >>> query = OneToOne(names=["T1w", "CT"], targets=["CT"]).draw(batch, torch.Generator())
        >>> query.sources.item(), query.targets.item()
        (0, 1)
    """

    def draw(self, batch: Batch, generator: Generator) -> Query:
        """Return J = K = 1."""
        available = self.available(batch)  # (B, M)
        targets = _ranked(available & self.may_ask, generator)[:, :1]  # (B, 1)
        others = (available & self.may_show).scatter(1, targets, False)  # (B, M)
        sources = _ranked(others, generator)[:, :1]  # (B, 1)
        return batch.ask(sources, targets).to(batch.images.device)


@register("queries", "unpaired")
class Unpaired(Queries):
    """One available source and another target, which the sample need not have.

    For objectives that need no truth, such as `cycle`.

    Example:
        >>> available = torch.tensor([[True, False]])
        >>> batch = Batch(torch.zeros(1, 2, 4), available, dataset=torch.ones(1, 1), spacing=torch.ones(1, 1))
        >>> query = Unpaired(names=["T1w", "CT"]).draw(batch, torch.Generator())
        >>> query.sources.item(), query.targets.item()
        (0, 1)
    """

    def draw(self, batch: Batch, generator: Generator) -> Query:
        """Return J = K = 1."""
        sources = _ranked(self.available(batch) & self.may_show, generator)[:, :1]  # (B, 1)
        others = self.may_ask.expand(len(sources), -1).scatter(1, sources, False)  # (B, M)
        return batch.ask(sources, _ranked(others, generator)[:, :1]).to(batch.images.device)


@register("queries", "reconstruct")
@dataclass(kw_only=True, eq=False)
class Reconstruct(Queries):
    """One available source, which is also the target.

    The sources of the samples of one dataset differ as far as their modalities allow, so that batches `one_per_class`
    contain an image of every class. An image-text model learns from the sources alone.

    Example:
        >>> batch = Batch.complete(torch.zeros(2, 2, 4))
        >>> query = Reconstruct(names=["T1w", "CT"]).draw(batch, torch.Generator())
        >>> sorted(query.sources.flatten().tolist()), torch.equal(query.sources, query.targets)
        ([0, 1], True)
    """

    targets: None = field(init=False, default=None)

    def draw(self, batch: Batch, generator: Generator) -> Query:
        """Return J = K = 1, the target being the source."""
        allowed = self.available(batch) & self.may_show  # (B, M)
        sources = torch.zeros(len(allowed), 1, dtype=torch.int64)  # (B, 1)
        for _, rows in rows_by_value(batch.dataset.argmax(1).cpu()):
            sources[rows, 0] = _different(allowed[rows], generator)
        return batch.ask(sources, sources).to(batch.images.device)


def _different(allowed: Tensor, generator: Generator) -> Tensor:
    """Assign each sample one of its modalities, (N,), repeating none while another one is left."""
    from scipy.optimize import linear_sum_assignment  # here, since a synthesis draws no query and need not import it

    samples, modalities = allowed.shape
    cost = torch.rand(samples, samples, modalities, generator=generator)  # (N, times, M)
    cost += 1e3 * torch.arange(samples).reshape(1, -1, 1) + 1e6 * ~allowed.unsqueeze(1)
    _, chosen = linear_sum_assignment(cost.flatten(1).numpy())
    return torch.from_numpy(chosen % modalities)  # (N,)


@register("queries", "many_to_one")
class ManyToOne(Queries):
    """A random number of available sources and one other available target.

    The number is the same for all samples of a batch: at most that of the sample with the fewest modalities.

    Args:
        most: Largest number of sources; no bound by default.

    Example:
        >>> batch = Batch.complete(torch.zeros(1, 3, 4))
        >>> query = ManyToOne(names=["T1w", "T2w", "CT"], targets=["CT"], most=1).draw(batch, torch.Generator())
        >>> query.sources.shape[1], query.targets.item()
        (1, 2)
    """

    several = True

    def __init__(
        self,
        *,
        names: Given[Sequence[str]],
        sources: Sequence[str] | None = None,
        targets: Sequence[str] | None = None,
        most: Count | None = None,
    ) -> None:
        super().__init__(names=names, sources=sources, targets=targets)
        self.most = self.most if most is None else most

    def draw(self, batch: Batch, generator: Generator) -> Query:
        """Return K = 1 and J from 1 up."""
        available = self.available(batch)  # (B, M)
        targets = _ranked(available & self.may_ask, generator)[:, :1]  # (B, 1)
        others = (available & self.may_show).scatter(1, targets, False)  # (B, M)
        sources = _ranked(others, generator)[:, : _count(others, self.most, generator)]  # (B, J)
        return batch.ask(sources, targets).to(batch.images.device)


@register("queries", "many_to_all")
class ManyToAll(ManyToOne):
    """A random number of available sources and all targets; the loss masks targets without truth.

    Example:
        >>> batch = Batch.complete(torch.zeros(1, 3, 4))
        >>> ManyToAll(names=["T1w", "T2w", "CT"]).draw(batch, torch.Generator()).targets.tolist()
        [[0, 1, 2]]
    """

    def draw(self, batch: Batch, generator: Generator) -> Query:
        """Return J from 1 up and all K targets, the sources among them."""
        shown = self.available(batch) & self.may_show  # (B, M)
        sources = _ranked(shown, generator)[:, : _count(shown, self.most, generator)]  # (B, J)
        targets = self.may_ask.nonzero().T.expand(len(shown), -1)  # (B, K)
        return batch.ask(sources, targets).to(batch.images.device)


@register("queries", "synthesis_condition")
@dataclass(kw_only=True, eq=False)
class SynthesisCondition(Queries):
    """Random sources among the available modalities, and all available ones as targets (PMM-Synth, Eq. 4).

    Samples with the same modalities have the same sources: from one to all but one, every number equally likely, and
    every choice of that number. The targets are all modalities that any sample of the batch has, those that are nowhere
    a source first: a target is synthesized if it is not a source, and reconstructed if it is. A sample with fewer
    sources than others repeats one. A curriculum from easy to hard, as MM-GAN's, is a stage for each ``least``.

    Args:
        least: Smallest number of sources; a sample with too few modalities has all but one as sources.
        reconstruct: Whether a modality that is a source of every sample is a target too.

    Raises:
        RecipeError: If ``least`` is below 1.

    Example:
        >>> available = torch.tensor([[True, False, True]])
        >>> batch = Batch(torch.zeros(1, 3, 4), available, dataset=torch.ones(1, 1), spacing=torch.ones(1, 1))
        >>> query = SynthesisCondition(names=["T1w", "T2w", "CT"]).draw(batch, torch.Generator().manual_seed(0))
        >>> query.sources.tolist(), query.targets.tolist()
        ([[0]], [[2, 0]])
    """

    several = True
    least: Count = 1
    reconstruct: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.least < 1:
            raise RecipeError(f"queries.least: {self.least} sources are none; show at least 1")

    def draw(self, batch: Batch, generator: Generator) -> Query:
        """Return J from 1 up, and the K modalities that any sample has."""
        available = self.available(batch)  # (B, M)
        patterns, which = torch.unique(available, dim=0, return_inverse=True)  # (P, M), (B,)
        drawn = [self._condition(pattern, generator) for pattern in patterns]
        most = max(map(len, drawn))
        sources = torch.stack([torch.cat([row, row[:1].expand(most - len(row))]) for row in drawn])[which]  # (B, J)
        targets = self._targets(available, sources)  # (1, K)
        shown = among(targets, sources.reshape(1, -1))  # (1, K)
        order = shown.to(torch.int8).argsort(dim=1, stable=True)  # (1, K)
        return batch.ask(sources, targets.gather(1, order).expand(len(sources), -1)).to(batch.images.device)

    def _targets(self, available: Tensor, sources: Tensor) -> Tensor:
        """Return the targets (1, K), in order."""
        wanted = available & self.may_ask  # (B, M)
        hidden = wanted.scatter(1, sources, False)  # (B, M)
        if not self.reconstruct and bool(hidden.any()):  # otherwise there are only sources
            wanted = hidden
        return wanted.any(0).nonzero().T  # (1, K)

    def _condition(self, available: Tensor, generator: Generator) -> Tensor:
        """Draw the sources of a sample: (J,), in order."""
        may = available & self.may_show  # (M,)
        others = bool((available & self.may_ask & ~may).any())  # targets that can be no source
        most = max(1, int(may.sum()) - (not others))
        count = int(torch.randint(min(self.least, most), most + 1, (), generator=generator))
        return _ranked(may.unsqueeze(0), generator)[0, :count].sort().values  # (J,)


def _count(shown: Tensor, most: int, generator: Generator) -> int:
    poorest = max(1, min(most, int(shown.sum(1).min())))
    return int(torch.randint(1, poorest + 1, (), generator=generator))
