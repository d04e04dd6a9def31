"""A rule of batches as torch's loader takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anysyn.bounds import Count, Seed, WholeNumber, within_bounds
from anysyn.data.loading.batches import Batches, Group, share
from anysyn.seeds import seeded


class EpochBatches:
    """The batches of one epoch after another, for ``batch_sampler`` of `torch.utils.data.DataLoader`.

    As with `torch.utils.data.DistributedSampler`, `set_epoch` before each epoch draws it anew; without, every epoch is
    the first one. The same seed and epoch give the same batches.

    Args:
        batches: The rule, for example `ModalityConsistent`.
        groups: Dataset and available modalities of each sample of the data set, in its order.
        seed: Of the first epoch and all others.
        rank: Which of the processes this is, from 0.
        ranks: How many processes share the batches.

    Example:
        >>> from anysyn.data.loading.batches import Shuffled
        >>> epochs = EpochBatches(Shuffled(size=2), groups=[(0, (True,))] * 5)
        >>> len(epochs), list(epochs) == list(epochs)
        (3, True)
        >>> first = list(epochs)
        >>> epochs.set_epoch(1)
        >>> sorted(sum(epochs, [])), list(epochs) == first
        ([0, 1, 2, 3, 4], False)
    """

    @within_bounds
    def __init__(
        self,
        batches: Batches,
        *,
        groups: Sequence[Group],
        seed: Seed = 0,
        rank: WholeNumber = 0,
        ranks: Count = 1,
    ) -> None:
        self.batches, self.groups, self.seed, self.rank, self.ranks = batches, groups, seed, rank, ranks
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, from 0."""
        drawn = self.batches.epoch(self.groups, seeded(self.seed, epoch), self.ranks)
        self._drawn = share(drawn, self.rank, self.ranks)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches of the epoch as lists of sample numbers."""
        return iter(self._drawn)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._drawn)
