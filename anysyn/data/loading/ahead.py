"""Batches made ahead, in other processes, while the device computes: the same as without them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from anysyn.data.errors import CacheError
from anysyn.data.loading.preparing import FORKS, cores, start_method
from anysyn.points import Points
from anysyn.types import Batch, Query

MOST_WORKERS = 8  # more wait for the memory, not for a core
AHEAD = 2  # batches of each worker that lie ready


class Plan(NamedTuple):
    """Numbers of the samples of a batch, and the seed of all that is drawn for it."""

    indices: Sequence[int]
    seed: int


class Made(NamedTuple):
    """A batch, and what is asked of it."""

    batch: Batch
    query: Query

    def pin_memory(self) -> Made:
        """Return the same in memory that a GPU reads while the processor goes on."""
        return Made(_pinned(self.batch), _pinned(self.query))

    def to(self, device: torch.device) -> Made:
        """Move both to a device; the processor does not wait for pinned memory."""
        return Made(self.batch.to(device, non_blocking=True), self.query.to(device))


Draw = Callable[[Batch, Generator], Query]
Cut = Callable[[Sequence[int], Generator], Batch]


class _Planned(Dataset[Made]):
    """Make a batch where its plan is asked for; in a worker, too, all that is drawn follows from the seed."""

    def __init__(self, cut: Cut, draw: Draw) -> None:
        self.cut, self.draw = cut, draw

    def __getitem__(self, plan: Plan) -> Made:
        generator = Generator().manual_seed(plan.seed)
        batch = self.cut(plan.indices, generator)
        return Made(batch, self.draw(batch, generator))


class _Plans(Sampler[Plan]):
    """The plans of an epoch, which the workers of all epochs get one after the other."""

    plans: Sequence[Plan] = ()

    def __iter__(self) -> Iterator[Plan]:
        return iter(self.plans)


class Ahead:
    """Make the batches of a stage, in order, in some processes that live as long as it does.

    Args:
        cut: Cuts the samples with some numbers, as `Samples.batch`.
        draw: Draws the query of a batch, as `Queries.draw`.
        workers: Processes; 0 makes each batch when it is taken.
        pinned: Whether they are copied to pinned memory, for a GPU.

    Attributes:
        waited: Seconds that `take` took so far.

    Example:
        >>> images = torch.arange(3.0).reshape(3, 1, 1)
        >>> ahead = Ahead(lambda rows, _: Batch.complete(images[rows]), lambda batch, _: None, workers=0)
        >>> ahead.begin([Plan([2], 0), Plan([0, 1], 0)])
        >>> ahead.take().batch.images.flatten().tolist(), ahead.take().batch.images.flatten().tolist()
        ([2.0], [0.0, 1.0])
    """

    def __init__(self, cut: Cut, draw: Draw, *, workers: int, pinned: bool = False) -> None:
        self.waited, self._plans, self._source = 0.0, _Plans(), _Planned(cut, draw)
        self._made: Iterator[Made] = iter(())
        self._loader: DataLoader[Made] | None = None
        if workers:
            options: dict[str, Any] = {"prefetch_factor": AHEAD, "persistent_workers": True, "pin_memory": pinned}
            self._loader = DataLoader(
                self._source,
                sampler=self._plans,
                batch_size=None,
                num_workers=workers,
                collate_fn=_as_it_is,
                multiprocessing_context=start_method(),
                generator=Generator(),  # not torch's own, whose draws are the networks'
                **options,
            )

    def begin(self, plans: Sequence[Plan]) -> None:
        """Begin an epoch of these batches."""
        self._plans.plans = plans
        self._made = map(self._source.__getitem__, plans) if self._loader is None else iter(self._loader)

    def take(self) -> Made:
        """Return the next batch.

        Raises:
            CacheError: If a process that makes them died.
        """
        began = time.perf_counter()
        try:
            return next(self._made)
        except RuntimeError as error:
            if "worker" not in str(error) or "Caught" in str(error):
                raise
            raise CacheError(
                "a process that makes batches died, perhaps for lack of memory or of room in /dev/shm; in the run's "
                "recipe.yaml set data.workers to a smaller number, or to 0, and resume"
            ) from error
        finally:
            self.waited += time.perf_counter() - began

    def close(self) -> None:
        """End the processes."""
        self._made, self._loader = iter(()), None


def workers_for(asked: int | None, device: torch.device, processes: int) -> int:
    """Return how many processes make batches for one training process.

    Args:
        asked: `data.workers`.
        device: Where the networks compute; a CPU has no core left over.
        processes: Training processes on this machine, which share the cores.

    Example:
        >>> workers_for(3, torch.device("cpu"), 1), workers_for(None, torch.device("cpu"), 1)
        (3, 0)
    """
    if asked is not None:
        return asked
    return max(0, min(MOST_WORKERS, cores() // processes - 1)) if device.type == "cuda" and FORKS else 0


def _as_it_is(made: Any) -> Any:
    return made


def _pinned(record: Any) -> Any:
    """Return a record with its tensors in pinned memory."""

    def pin(part: Any) -> Any:
        return Points(part.at.pin_memory(), part.step.pin_memory()) if isinstance(part, Points) else part.pin_memory()

    parts = {name: part for name, part in vars(record).items() if isinstance(part, (Tensor, Points))}
    return replace(record, **{name: pin(part) for name, part in parts.items()})
