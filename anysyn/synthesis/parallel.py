"""Subjects done one after the other, side by side in several processes, or on Slurm; those that fail are listed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from anysyn.data.records import Failure, listed
from anysyn.errors import UserError
from anysyn.plugins.local_code import enrol_file, enrolled_files
from anysyn.progress import Progress
from anysyn.synthesis.slurm import Slurm


class Keyed(Protocol):
    """What has a key that a failure is listed under: a subject."""

    @property
    def key(self) -> str:
        """Unique name of the subject."""


Item = TypeVar("Item", bound=Keyed)
Measured = TypeVar("Measured")
Measure = Callable[[Any], Measured]


@dataclass(frozen=True)
class Opener:
    """What a process needs to begin measuring: it is sent with every subject and opened once in each process.

    Args:
        key: What tells it from another one.
        begin: Loads the run and returns the function that measures one subject.
        arguments: Those of ``begin``; all can be pickled.
    """

    key: str
    begin: Callable[..., Measure[Any]] = field(compare=False)
    arguments: tuple[Any, ...] = field(compare=False)


def measure_each(
    subjects: Sequence[Item],
    measure: Measure[Measured],
    *,
    jobs: int,
    opener: Opener,
    title: str,
    failures: list[Failure],
    progress: Progress,
    slurm: Slurm | None = None,
) -> Iterator[tuple[Item, Measured]]:
    """Measure subjects, or do anything else with each; one that fails is listed and the others go on.

    Args:
        subjects: In order.
        measure: Measures one, in this process.
        jobs: Processes; with 1 everything happens in this one. On Slurm, jobs of an array.
        opener: Makes the same function in another process.
        title: Shown while it goes on.
        failures: Gets the subjects that fail.
        progress: Shows how far it is.
        slurm: Submission to Slurm instead of processes here; its files are beside the folder of the opener's key.

    Yields:
        The subjects in order, each with what was measured of it.

    Raises:
        UserError: If a process dies, or there is no Slurm.
    """
    outcomes = _outcomes(subjects, measure, jobs, opener) if slurm is None else _on_slurm(subjects, jobs, opener, slurm)
    with progress.task(title, len(subjects)):
        for subject, outcome in zip(subjects, outcomes, strict=True):
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                yield subject, outcome
            progress.advance()


def _outcomes(subjects: Sequence[Keyed], measure: Measure[Any], jobs: int, opener: Opener) -> Iterator[Any]:
    if min(jobs, len(subjects)) <= 1:
        yield from (_outcome(measure, subject) for subject in subjects)
        return
    threads = max(1, (os.cpu_count() or 1) // jobs)  # more would only take turns
    context = get_context("spawn")  # a forked process inherits locks of torch's threads
    how = (threads, enrolled_files(), context.Value("i", 0))
    with ProcessPoolExecutor(jobs, context, _start_worker, how) as pool:
        try:
            yield from pool.map(_measure_there, [opener] * len(subjects), subjects)
        except BrokenProcessPool as error:
            raise UserError(
                f"one of {jobs} processes died, perhaps for lack of memory; run it again with fewer --jobs: what was "
                "finished is kept"
            ) from error


def _on_slurm(subjects: Sequence[Keyed], jobs: int, opener: Opener, slurm: Slurm) -> Iterator[Any]:
    """Give each job of an array its share of the subjects; a job that dies costs those."""
    jobs = min(jobs, len(subjects))
    shares = [subjects[number::jobs] for number in range(jobs)]
    place = replace(slurm, folder=Path(f"{opener.key}-slurm").absolute())
    given = [(opener, share, enrolled_files(), slurm.cpus) for share in shares]
    answers = place.run(_measure_share, given) if jobs else []
    queues = [
        iter(answer if isinstance(answer, list) else [Failure(subject.key, None, str(answer)) for subject in share])
        for answer, share in zip(answers, shares, strict=True)
    ]
    yield from (next(queues[number % jobs]) for number in range(len(subjects)))


def _measure_share(opener: Opener, share: Sequence[Keyed], code: Sequence[Path], threads: int) -> list[Any]:
    torch.set_num_threads(threads)
    for path in code:
        enrol_file(path)
    return [_measure_there(opener, subject) for subject in share]


def _start_worker(threads: int, code: Sequence[Path], started: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one says how to go on
    torch.set_num_threads(threads)
    with started.get_lock():
        number, started.value = started.value, started.value + 1
    if torch.cuda.is_available():  # each process has a GPU of its own, until there are more processes than GPUs
        torch.cuda.set_device(number % torch.cuda.device_count())
    for path in code:  # that the first process was allowed to run
        enrol_file(path)


def _outcome(measure: Measure[Any], subject: Keyed) -> Any:
    failed: list[Failure] = []
    with listed(failed, subject.key):
        return measure(subject)
    return failed[0]


def _measure_there(opener: Opener, subject: Keyed) -> Any:
    return _outcome(_opened(opener), subject)


@cache
def _opened(opener: Opener) -> Measure[Any]:
    return opener.begin(*opener.arguments)
