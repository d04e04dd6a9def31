"""Jobs as local processes or on Slurm, and an estimate of the remaining time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anysyn.progress import Progress
from anysyn.synthesis.slurm import Slurm
from paper_tables.store import Store, error_of, fail, finished, write

SCRIPT = Path(__file__).parents[1] / "job.py"
POLL = 5.0  # seconds between two checks of Slurm


@dataclass(frozen=True)
class Job:
    """The training of a model and its measurements.

    Args:
        title: Title in the progress.
        run: Folder of the model.
        recipe: Recipe of the model.
        cells: By folder, the question of each measurement.
    """

    title: str
    run: Path
    recipe: Mapping[str, Any]
    cells: Mapping[Path, Mapping[str, Any]]

    @property
    def file(self) -> Path:
        """Return the file that the process reads."""
        return self.run.with_suffix(".json")

    @property
    def log(self) -> Path:
        """Return the file of the output of the process."""
        return self.run.with_suffix(".log")

    @property
    def done(self) -> bool:
        """Return whether model and measurements are complete."""
        return finished(self.run) and all(finished(folder) for folder in self.cells)

    @property
    def error(self) -> str | None:
        """Return the first error, or None."""
        errors = [error_of(folder) for folder in (self.run, *self.cells)]
        return next((error for error in errors if error), None)

    def write(self) -> None:
        """Write the file that the process reads."""
        cells = [{"folder": str(folder), "question": dict(question)} for folder, question in self.cells.items()]
        write(self.file, {"run": str(self.run), "recipe": dict(self.recipe), "cells": cells})

    def command(self, accelerator: str, threads: int) -> list[str]:
        """Return the command of the process."""
        options = ["--accelerator", accelerator, "--threads", str(threads)]
        return [sys.executable, str(SCRIPT), str(self.file), *options]

    def ended(self, code: int) -> None:
        """Write an error for a process that was killed and wrote none itself."""
        if self.done or self.error:
            return
        reason = f"signal {signal.Signals(-code).name}, for lack of memory perhaps" if code < 0 else f"exit code {code}"
        left = next((folder for folder in (self.run, *self.cells) if not finished(folder)), self.run)
        fail(left, f"the process ended with {reason}; see {self.log}")


@dataclass
class Clock:
    """Estimate of the remaining time, from the finished jobs.

    Args:
        total: Number of jobs.
        at_once: Number of jobs that run at the same time.

    Example:
        >>> clock = Clock(total=4, at_once=1, began=time.perf_counter() - 60)
        >>> clock.note()
        '1 of 4, about 3 min left'
    """

    total: int
    at_once: int
    began: float = field(default_factory=time.perf_counter)
    done: int = 0

    def note(self) -> str:
        """Count a finished job, and return the count and the remaining time."""
        self.done += 1
        left = (time.perf_counter() - self.began) / self.done * (self.total - self.done)
        return f"{self.done} of {self.total}" + (f", about {duration(left)} left" if self.done < self.total else "")


def duration(seconds: float) -> str:
    """Return a duration as it is printed.

    Example:
        >>> duration(42), duration(180), duration(7500)
        ('42 s', '3 min', '2 h 5 min')
    """
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def launch(
    jobs: Sequence[Job], *, at_once: int = 1, accelerator: str = "auto", slurm: Slurm | None = None, progress: Progress
) -> None:
    """Run jobs; if one fails, the others go on.

    Args:
        jobs: The jobs.
        at_once: Number of local processes at the same time; they share the processors.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        slurm: Submission to Slurm instead of local processes.
        progress: Shows the finished jobs and the remaining time.

    Raises:
        UserError: If jobs cannot be submitted.
    """
    for job in jobs:
        job.write()
    threads = max(1, (os.cpu_count() or 1) // at_once) if at_once > 1 else 0
    clock = Clock(len(jobs), at_once)
    ended = _local(jobs, at_once, accelerator, threads) if slurm is None else _submitted(jobs, accelerator, slurm)
    with progress.task("models", len(jobs)):
        for job, code in ended:
            job.ended(code)
            note = clock.note()
            progress.advance(note)
            progress.say(f"{'failed' if job.error else 'done'}: {job.title} ({note}){_why(job)}")


def _why(job: Job) -> str:
    return f"\n  {job.error}" if job.error else ""


def _local(jobs: Sequence[Job], at_once: int, accelerator: str, threads: int) -> Iterator[tuple[Job, int]]:
    running = set[subprocess.Popen[bytes]]()

    def run(job: Job) -> int:
        with job.log.open("ab") as log:
            process = subprocess.Popen(job.command(accelerator, threads), stdout=log, stderr=subprocess.STDOUT)
            running.add(process)
            code = process.wait()
            running.discard(process)
        return code

    with ThreadPoolExecutor(at_once) as pool:
        futures = {pool.submit(run, job): job for job in jobs}
        try:
            left = set(futures)
            while left:
                done, left = wait(left, return_when=FIRST_COMPLETED)
                yield from ((futures[future], future.result()) for future in done)
        except BaseException:  # also if the caller stops iterating: no process is left behind
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(running):
                process.terminate()
            raise


def _submitted(jobs: Sequence[Job], accelerator: str, slurm: Slurm) -> Iterator[tuple[Job, int]]:
    from submitit.helpers import CommandFunction

    executor = slurm.executor()
    with executor.batch():
        handles = [executor.submit(CommandFunction(job.command(accelerator, 0))) for job in jobs]
    left = dict(zip(handles, jobs, strict=True))
    while left:
        for handle in [handle for handle in left if handle.done()]:
            yield left.pop(handle), 0 if handle.state in {"COMPLETED", "FINISHED"} else 1
        if left:
            time.sleep(POLL)


def jobs_of(plans: Sequence[Any], store: Store) -> list[Job]:
    """Return the jobs that the plans still need, one for each model.

    Args:
        plans: Plans of `plan.plan_of`; a model of several plans is trained once.
        store: The folder of results.

    Returns:
        Unfinished jobs, in the order of the plans.
    """
    titles, cells, recipes = (
        dict[str, str](),
        dict[str, dict[Path, Mapping[str, Any]]](),
        dict[str, Mapping[str, Any]](),
    )
    for plan in plans:
        recipes |= plan.recipes
        for cell in plan.cells:
            titles.setdefault(cell.run, f"{plan.table.name}, {cell.method}, {cell.purpose}")
            cells.setdefault(cell.run, {})[store.cell(cell.key)] = cell.question
    jobs = [Job(titles[run], store.run(run), recipes[run], questions) for run, questions in cells.items()]
    return [job for job in jobs if not job.done]
