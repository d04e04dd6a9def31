"""Subjects measured one after the other, or side by side in several processes; those that fail are listed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import torch

from anysyn.data.records import Failure, Subject, listed
from anysyn.evaluation.errors import EvaluationError
from anysyn.plugins.local_code import enrol_file, enrolled_files
from anysyn.progress import Progress

Measured = TypeVar("Measured")
Measure = Callable[[Subject], Measured]


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
    subjects: Sequence[Subject],
    measure: Measure[Measured],
    *,
    jobs: int,
    opener: Opener,
    title: str,
    failures: list[Failure],
    progress: Progress,
) -> Iterator[tuple[Subject, Measured]]:
    """Measure subjects; one that fails is listed and the others go on.

    Args:
        subjects: In order.
        measure: Measures one, in this process.
        jobs: Processes; with 1 everything happens in this one.
        opener: Makes the same function in another process.
        title: Shown while it goes on.
        failures: Gets the subjects that fail.
        progress: Shows how far it is.

    Yields:
        The subjects in order, each with what was measured of it.

    Raises:
        EvaluationError: If a process dies.
    """
    with progress.task(title, len(subjects)):
        for subject, outcome in zip(subjects, _outcomes(subjects, measure, jobs, opener), strict=True):
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                yield subject, outcome
            progress.advance()


def _outcomes(subjects: Sequence[Subject], measure: Measure[Any], jobs: int, opener: Opener) -> Iterator[Any]:
    if min(jobs, len(subjects)) <= 1:
        yield from (_outcome(measure, subject) for subject in subjects)
        return
    threads = max(1, (os.cpu_count() or 1) // jobs)  # more would only take turns
    context = get_context("spawn")  # a forked process inherits locks of torch's threads
    with ProcessPoolExecutor(jobs, context, _start_worker, (threads, enrolled_files())) as pool:
        try:
            yield from pool.map(_measure_there, [opener] * len(subjects), subjects)
        except BrokenProcessPool as error:
            raise EvaluationError(
                f"one of {jobs} processes died, perhaps for lack of memory; run it again with fewer --jobs: what was "
                "measured is kept"
            ) from error


def _start_worker(threads: int, code: Sequence[Path]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one says how to go on
    torch.set_num_threads(threads)
    for path in code:  # that the first process was allowed to run
        enrol_file(path)


def _outcome(measure: Measure[Any], subject: Subject) -> Any:
    failed: list[Failure] = []
    with listed(failed, subject.key):
        return measure(subject)
    return failed[0]


def _measure_there(opener: Opener, subject: Subject) -> Any:
    return _outcome(_opened(opener), subject)


@cache
def _opened(opener: Opener) -> Measure[Any]:
    return opener.begin(*opener.arguments)
