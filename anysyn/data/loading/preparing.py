"""Subjects prepared one after the other, or side by side in several processes; one that fails costs itself alone."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch

from anysyn.data.errors import CacheError, VolumeError
from anysyn.data.loading.prepared_subject import PreparedSubject
from anysyn.data.records import Failure, Subject

Prepare = Callable[[Subject], PreparedSubject]

MOST_JOBS = 8  # each holds the images of a subject several times over
WORTH = 64_000_000  # bytes of image files that are worth one more process
FORKS = sys.platform == "linux"  # elsewhere a new process begins by importing torch, and the user's script, once more


def cores() -> int:
    """Return the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_method() -> str:
    """Return how processes are started here: forked where that is safe, which needs no guard in the user's script."""
    return "fork" if FORKS else "spawn"


def jobs_for(subjects: Sequence[Subject]) -> int:
    """Return how many processes prepare subjects by default: by the bytes of their files, at most the cores and 8.

    Args:
        subjects: To be prepared.

    Example:
        >>> jobs_for([])
        1
    """
    size = 0
    for path in (path for subject in subjects for path in subject.images.values()):
        with suppress(OSError):  # what is wrong with it is said when it is read
            size += Path(path).stat().st_size
    return max(1, min(cores(), MOST_JOBS, size // WORTH)) if FORKS else 1


def prepare_each(
    subjects: Sequence[Subject], prepare: Prepare, jobs: int | None = None
) -> Iterator[PreparedSubject | Failure]:
    """Prepare subjects and yield, in their order, each as it is prepared, or why it cannot be used.

    Args:
        subjects: In order.
        prepare: Prepares one; if there are several processes, the cache takes the result to this one.
        jobs: Processes; with 1 everything happens in this one. By default `jobs_for` the subjects.

    Raises:
        CacheError: If the cache cannot be used, or a process dies.
    """
    jobs = min(jobs_for(subjects) if jobs is None else jobs, len(subjects))
    attempt = partial(_attempt, prepare)
    if jobs <= 1:
        yield from map(attempt, subjects)
        return
    with ProcessPoolExecutor(jobs, get_context(start_method()), _start) as pool:
        try:
            yield from pool.map(attempt, subjects)
        except BrokenProcessPool as error:
            raise CacheError(
                f"one of {jobs} processes that prepare images died, perhaps for lack of memory; run it again with "
                "data.jobs=1: what is prepared is kept"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one says how to go on
    torch.set_num_threads(1)


def _attempt(prepare: Prepare, subject: Subject) -> PreparedSubject | Failure:
    try:
        return prepare(subject)
    except VolumeError as error:
        folder = next((Path(path).parent for path in subject.images.values()), Path())
        return Failure(subject.key, folder, str(error))
