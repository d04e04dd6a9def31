"""Batches made ahead, in other processes, while the device computes: the same as without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from anysyn.data.errors import CacheError
from anysyn.data.loading.preparing import FORKS, cores, start_method
from anysyn.points import Points
from anysyn.types import Batch, Query

MOST_WORKERS = 8  # more wait for the memory, not for a core
AHEAD = 2  # batches of each worker that lie ready
SMALL = 65536  # bytes, the room of a pipe


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


Make = Callable[[Plan], Made]


class _Sent:
    """A batch on its way from the process that made it: small tables go as bytes, large tensors as shared memory.

    Shared memory costs each tensor a file, and a connection from one process to the other.
    """

    def __init__(self, made: Made) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, tuple(None if part is None else (type(part), _light(vars(part))) for part in self.made)


def _light(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Points(*map(_small, part)) if isinstance(part, Points) else _small(part) for name, part in fields.items()
    }


def _small(part: Any) -> Any:
    return part.numpy() if isinstance(part, Tensor) and part.nbytes <= SMALL else part


def _whole(part: Any) -> Any:
    return torch.from_numpy(part) if isinstance(part, np.ndarray) else part


def _received(*records: tuple[type[Any], dict[str, Any]] | None) -> Made:
    def record(kind: type[Any], fields: dict[str, Any]) -> Any:
        whole = {
            name: Points(*map(_whole, part)) if isinstance(part, Points) else _whole(part)
            for name, part in fields.items()
        }
        return kind(**whole)

    return Made(*(None if one is None else record(*one) for one in records))  # type: ignore[arg-type]


class _Planned(Dataset[Any]):
    """Make a batch where its plan is asked for, as a data loader wants it."""

    def __init__(self, make: Make) -> None:
        self.make = make

    def __getitem__(self, plan: Plan) -> _Sent:
        return _Sent(self.make(plan))


class _Plans(Sampler[Plan]):
    """The plans of an epoch, which the workers of all epochs get one after the other."""

    plans: Sequence[Plan] = ()

    def __iter__(self) -> Iterator[Plan]:
        return iter(self.plans)


class Ahead:
    """The batches of a stage, in order, made in some processes that live as long as it does.

    Args:
        make: Makes a batch and its query; all that is drawn follows from the seed of the plan.
        workers: Processes; 0 makes each batch when it is taken.
        pinned: Whether they are copied to pinned memory, for a GPU.

    Example:
        >>> images = torch.arange(3.0).reshape(3, 1, 1)
        >>> ahead = Ahead(lambda plan: Made(Batch.complete(images[plan.indices]), None), workers=0)
        >>> [made.batch.images.flatten().tolist() for made in ahead.epoch([Plan([2], 0), Plan([0, 1], 0)])]
        [[2.0], [0.0, 1.0]]
    """

    def __init__(self, make: Make, *, workers: int, pinned: bool = False) -> None:
        self._make, self._plans = make, _Plans()
        self._loader: DataLoader[Made] | None = None
        if workers:
            options: dict[str, Any] = {"prefetch_factor": AHEAD, "persistent_workers": True, "pin_memory": pinned}
            self._loader = DataLoader(
                _Planned(make),
                sampler=self._plans,
                batch_size=None,
                num_workers=workers,
                collate_fn=_as_it_is,
                multiprocessing_context=start_method(),
                generator=Generator(),  # not torch's own, whose draws are the networks'
                **options,
            )

    def epoch(self, plans: Sequence[Plan]) -> Iterator[Made]:
        """Return the batches of an epoch; to take one raises a CacheError if a process that makes them died."""
        if self._loader is None:
            return map(self._make, plans)
        self._plans.plans = plans
        return _alive(iter(self._loader))

    def close(self) -> None:
        """End the processes."""
        self._loader = None


def _alive(made: Iterator[Made]) -> Iterator[Made]:
    try:
        yield from made
    except RuntimeError as error:
        if "worker" not in str(error) or "Caught" in str(error):
            raise
        raise CacheError(
            "a process that makes batches died, perhaps for lack of memory or of room in /dev/shm; in the run's "
            "recipe.yaml set data.workers to a smaller number, or to 0, and resume"
        ) from error


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
