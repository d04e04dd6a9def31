"""Batches: which samples go together, in which order, as a pure function of (seed, epoch)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import ClassVar

import torch
from torch import Generator

from anysyn.registry import register


class Batches:
    """Cut samples into batches.

    Args:
        size: Samples in a batch, B.
    """

    kind: ClassVar[str] = "batches"

    def __init__(self, *, size: int = 8) -> None:
        if size < 1:
            raise ValueError(f"batches.size: {size} is not at least 1")
        self.size = size

    def epoch(self, groups: Sequence[Hashable], generator: Generator, ranks: int = 1) -> list[list[int]]:
        """Return the batches of one epoch as lists of sample numbers.

        Args:
            groups: For each sample, what must agree within a batch: its dataset and its available modalities.
            generator: Seeded by the caller for (seed, epoch).
            ranks: How many ranks share the batches; neighbours go to the ranks of one step.
        """
        raise NotImplementedError


def share(batches: Sequence[list[int]], rank: int, world: int) -> list[list[int]]:
    """Return one rank's batches; every rank gets as many, the last ones repeating where they do not divide.

    Neighbouring batches go to the ranks of one step, so that a sampler that keeps a pattern's batches together gives
    every rank the same pattern at the same step.

    Args:
        batches: The batches of an epoch, the same list on every rank.
        rank: This rank's number.
        world: How many ranks there are.

    Example:
        >>> [share([[0], [1], [2]], rank, 2) for rank in (0, 1)]
        [[[0], [2]], [[1], [0]]]
    """
    steps = math.ceil(len(batches) / world)
    return [batches[(step * world + rank) % len(batches)] for step in range(steps)]


def _shuffled(items: Sequence[int], generator: Generator) -> list[int]:
    return [items[i] for i in torch.randperm(len(items), generator=generator).tolist()]


@register("batches", "shuffled")
class Shuffled(Batches):
    """Shuffle all samples and cut them; the last batch may be smaller.

    Args:
        size: Samples in a batch, B.

    Example:
        >>> sorted(sum(Shuffled(size=2).epoch(["a"] * 5, torch.Generator()), []))
        [0, 1, 2, 3, 4]
    """

    def epoch(self, groups: Sequence[Hashable], generator: Generator, ranks: int = 1) -> list[list[int]]:
        """Return the batches of one epoch."""
        order = _shuffled(range(len(groups)), generator)
        return [order[i : i + self.size] for i in range(0, len(order), self.size)]


@register("batches", "modality_consistent")
class ModalityConsistent(Batches):
    """Make batches whose samples share dataset and available modalities (the scheduler of PMM-Synth).

    Step 1 groups the samples by dataset and availability; step 2 pads each group with random duplicates of its own to a
    multiple of B; step 3 shuffles within the groups, cuts them into batches and shuffles the batches.

    Args:
        size: Samples in a batch, B.

    Example:
        >>> batches = ModalityConsistent(size=2).epoch(["a", "b", "a", "a"], torch.Generator())
        >>> sorted(sorted(set(batch)) for batch in batches if 1 in batch)
        [[1]]
    """

    def epoch(self, groups: Sequence[Hashable], generator: Generator, ranks: int = 1) -> list[list[int]]:
        """Return the batches of one epoch."""
        members: dict[Hashable, list[int]] = defaultdict(list)
        for sample, group in enumerate(groups):
            members[group].append(sample)
        runs = [run for group in members.values() for run in self._runs(group, generator, ranks)]
        order = _shuffled(range(len(runs)), generator)
        return [run[i : i + self.size] for r in order for run in (runs[r],) for i in range(0, len(run), self.size)]

    def _runs(self, group: list[int], generator: Generator, ranks: int) -> list[list[int]]:
        length = self.size * ranks  # one batch for each rank of a step
        extra = torch.randint(len(group), (-len(group) % length,), generator=generator).tolist()
        order = _shuffled([*group, *(group[i] for i in extra)], generator)
        return [order[i : i + length] for i in range(0, len(order), length)]
