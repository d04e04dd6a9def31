"""The people of a study, one after the other or side by side: who is whole stays, who fails is listed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from anysyn.data.records import Failure, Subject, listed
from anysyn.files.hashes import digest as digest
from anysyn.scans.chain import prepare_person
from anysyn.scans.errors import PreparationError
from anysyn.scans.person_files import PersonFiles, asked_of, whole_person, write_person
from anysyn.scans.steps import Steps


@dataclass(frozen=True)
class Outcome:
    """What became of one person.

    Args:
        key: The person or session.
        record: What their files are; None if there are none.
        kept: Whether they are those of an earlier call.
        failures: The person, or contrasts of the person, that could not be prepared.
    """

    key: str
    record: dict[str, Any] | None
    kept: bool
    failures: tuple[Failure, ...]


def outcomes(
    subjects: Sequence[Subject], folder: Path, steps: Steps, *, jobs: int = 1, overwrite: bool = False
) -> Iterator[Outcome]:
    """Prepare people and write them.

    Args:
        subjects: In order.
        folder: The study.
        steps: What is done.
        jobs: Processes; with 1 everything happens in this one.
        overwrite: Whether who is there is prepared anew.

    Yields:
        What became of each, in order.

    Raises:
        PreparationError: If a process dies.
    """
    work = [(subject, folder, steps, overwrite) for subject in subjects]
    if min(jobs, len(subjects)) <= 1:
        yield from map(outcome, *zip(*work, strict=True))
        return
    threads = max(1, (os.cpu_count() or 1) // jobs)  # more would only take turns
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (threads,)) as pool:
        try:
            yield from pool.map(outcome, *zip(*work, strict=True))
        except BrokenProcessPool as error:
            raise PreparationError(
                f"one of {jobs} processes died, perhaps for lack of memory; call it again with fewer --jobs: who is "
                "finished is kept"
            ) from error


def outcome(subject: Subject, folder: Path, steps: Steps, overwrite: bool = False) -> Outcome:
    """Prepare one person and write the files, unless they are there already."""
    failures = list[Failure]()
    with listed(failures, subject.key):
        place, asked = PersonFiles(folder, subject.key), asked_of(subject, steps)
        record = None if overwrite else whole_person(place)
        if record is not None:
            _check_same(place, record, asked)
            left = tuple(Failure(subject.key, None, reason) for reason in record["LeftOut"])
            return Outcome(subject.key, record, True, left)
        write_person(place, subject, prepare_person(subject, steps), asked)
        record = whole_person(place)
        left = tuple(Failure(subject.key, None, reason) for reason in (record or {})["LeftOut"])
        return Outcome(subject.key, record, False, left)
    return Outcome(subject.key, None, False, tuple(failures))


def _check_same(place: PersonFiles, record: dict[str, Any], asked: dict[str, Any]) -> None:
    remedy = "choose another --out, or prepare it anew with --overwrite"
    if record.get("Sources") != asked["Sources"]:
        raise PreparationError(f"{place.record} is of other files than are there now; {remedy}")
    if record.get("Steps") != asked["Steps"]:
        raise PreparationError(f"{place.record} was prepared with other options; {remedy}")


def _start_worker(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one says how to go on
    torch.set_num_threads(threads)
