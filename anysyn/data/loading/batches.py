"""Batches: which samples go together, in which order, as a pure function of (seed, epoch)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import ClassVar

import torch
from torch import Generator

from anysyn.bounds import Count
from anysyn.registry import register

Group = tuple[int, tuple[bool, ...]]  # number of the dataset, and which modalities are available

SIZE = 16  # samples in a validation batch
MOST = 64  # most batches of a validation: it compares epochs and is not a result


class Batches:
    """Rule by which samples are grouped into batches.

    Args:
        size: Samples in a batch, B.
    """

    kind: ClassVar[str] = "batches"

    def __init__(self, *, size: Count = 8) -> None:
        if size < 1:
            raise ValueError(f"batches.size: {size} is not at least 1")
        self.size = size

    def epoch(self, groups: Sequence[Group], generator: Generator, ranks: int = 1) -> list[list[int]]:
        """Return the batches of one epoch as lists of sample numbers.

        Args:
            groups: Dataset and available modalities of each sample.
            generator: Seeded by the caller for (seed, epoch).
            ranks: Number of ranks that share the batches; neighbouring batches go to the ranks of one step.
        """
        raise NotImplementedError

    def validation(self, groups: Sequence[Group]) -> list[list[int]]:
        """Return the validation batches: always the same, of one group each, spread evenly over the samples."""
        batches = [rows[i : i + SIZE] for rows in _members(groups).values() for i in range(0, len(rows), SIZE)]
        return batches[:: -(-len(batches) // MOST)]


def share(batches: Sequence[list[int]], rank: int, world: int) -> list[list[int]]:
    """Return the batches of one rank, equally many for every rank; the first ones repeat if the number does not divide.

    Neighbouring batches go to the ranks of one step, so that a sampler that keeps the batches of a group together gives
    every rank the same group at the same step.

    Args:
        batches: Of an epoch, the same list on every rank.
        rank: From 0.
        world: Number of ranks.

    Example:
        >>> [share([[0], [1], [2]], rank, 2) for rank in (0, 1)]
        [[[0], [2]], [[1], [0]]]
    """
    steps = math.ceil(len(batches) / world)
    return [batches[(step * world + rank) % len(batches)] for step in range(steps)]


def _members(groups: Sequence[Group]) -> dict[Group, list[int]]:
    members = defaultdict[Group, list[int]](list)
    for sample, group in enumerate(groups):
        members[group].append(sample)
    return members


def _shuffled(items: Sequence[int], generator: Generator) -> list[int]:
    return [items[i] for i in torch.randperm(len(items), generator=generator).tolist()]


@register("batches", "shuffled")
class Shuffled(Batches):
    """Batches of shuffled samples; the last batch may be smaller.

    Args:
        size: Samples in a batch, B.

    Example:
        >>> sorted(sum(Shuffled(size=2).epoch(["a"] * 5, torch.Generator()), []))
        [0, 1, 2, 3, 4]
    """

    def epoch(self, groups: Sequence[Group], generator: Generator, ranks: int = 1) -> list[list[int]]:
        """Return the batches of one epoch."""
        order = _shuffled(range(len(groups)), generator)
        return [order[i : i + self.size] for i in range(0, len(order), self.size)]


@register("batches", "modality_consistent")
class ModalityConsistent(Batches):
    """Batches whose samples share dataset and available modalities (the scheduler of PMM-Synth).

    Step 1 groups the samples by dataset and availability; step 2 pads each group to a multiple of B with random
    duplicates; step 3 shuffles within the groups, cuts them into batches and shuffles the batches.

    Args:
        size: Samples in a batch, B.

    Example:
        >>> batches = ModalityConsistent(size=2).epoch(["a", "b", "a", "a"], torch.Generator())
        >>> sorted(sorted(set(batch)) for batch in batches if 1 in batch)
        [[1]]
    """

    def epoch(self, groups: Sequence[Group], generator: Generator, ranks: int = 1) -> list[list[int]]:
        """Return the batches of one epoch."""
        runs = [run for group in _members(groups).values() for run in self._runs(group, generator, ranks)]
        order = _shuffled(range(len(runs)), generator)
        return [run[i : i + self.size] for r in order for run in (runs[r],) for i in range(0, len(run), self.size)]

    def _runs(self, group: list[int], generator: Generator, ranks: int) -> list[list[int]]:
        length = self.size * ranks  # one batch for each rank of a step
        extra = torch.randint(len(group), (-len(group) % length,), generator=generator).tolist()
        order = _shuffled([*group, *(group[i] for i in extra)], generator)
        return [order[i : i + length] for i in range(0, len(order), length)]


@register("batches", "one_per_class")
class OnePerClass(Batches):
    """Batches of one sample of each acquisition class (TUMSyn, image-text pretraining).

    A class is a modality of one dataset. The sample has an image of it; the query chooses which of its images is used,
    and queries `reconstruct` choose so that every class occurs. An epoch has as many images as the cohort: those of a
    rare class occur several times, some of a frequent class never.

    Args:
        size: Most samples in a batch; if there are more classes, each batch gets a random choice. TUMSyn has 27.

    Example:
        >>> groups = [(0, (True, True)), (0, (True, False)), (1, (False, True))]
        >>> sorted(OnePerClass().epoch(groups, torch.Generator())[0]) in ([0, 0, 2], [0, 1, 2])
        True
    """

    def __init__(self, *, size: Count = 27) -> None:
        super().__init__(size=size)

    def epoch(self, groups: Sequence[Group], generator: Generator, ranks: int = 1) -> list[list[int]]:
        """Return the batches of one epoch."""
        members = list(classes(groups).values())
        size = min(self.size, len(members))
        count = math.ceil(sum(map(len, members)) / size)
        streams = [_endless(samples, generator) for samples in members]
        return [[next(streams[c]) for c in _shuffled(range(len(streams)), generator)[:size]] for _ in range(count)]

    def validation(self, groups: Sequence[Group]) -> list[list[int]]:
        """Return the validation batches, always the same, with one sample of each class."""
        return self.epoch(groups, Generator().manual_seed(0))[:MOST]


def classes(groups: Sequence[Group]) -> dict[tuple[int, int], list[int]]:
    """List the samples of each acquisition class: by the numbers of dataset and modality, those with such an image.

    Example:
        >>> classes([(0, (True, True)), (0, (True, False))])
        {(0, 0): [0, 1], (0, 1): [0]}
    """
    members = defaultdict[tuple[int, int], list[int]](list)
    for sample, (dataset, available) in enumerate(groups):
        for modality in (m for m, has in enumerate(available) if has):
            members[dataset, modality].append(sample)
    return dict(members)


def _endless(items: Sequence[int], generator: Generator) -> Iterator[int]:
    while True:
        yield from _shuffled(items, generator)
