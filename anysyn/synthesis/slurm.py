"""Jobs of a Slurm cluster through submitit: what one asks for, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from anysyn.errors import UserError
from anysyn.registry import suggest

SLURM = "slurm"


@dataclass(frozen=True)
class Slurm:
    """Submission of jobs to Slurm.

    Args:
        folder: Folder of submitit's files, on a disk that the nodes share.
        partition: Partition of the cluster.
        hours: Time limit of a job.
        memory_gb: Memory of a job in GB.
        cpus: CPUs of a job.
        gpus: GPUs of a job.
        cluster: ``slurm``; ``local`` does the same on this machine.
    """

    folder: Path = Path("slurm")
    partition: str | None = None
    hours: float = 24.0
    memory_gb: int = 32
    cpus: int = 4
    gpus: int = 1
    cluster: str = "slurm"

    def executor(self) -> Any:
        """Return submitit's executor.

        Raises:
            UserError: If submitit is not installed, or there is no Slurm.
        """
        try:
            import submitit
        except ModuleNotFoundError:
            raise UserError("--jobs N@slurm needs submitit: pip install 'anysyn[slurm]'") from None
        try:
            executor = submitit.AutoExecutor(folder=self.folder, cluster=self.cluster)
        except RuntimeError as error:
            raise UserError(f"--jobs N@slurm: {error}") from error
        wanted: dict[str, Any] = {"timeout_min": round(60 * self.hours), "name": "anysyn", "mem_gb": self.memory_gb}
        wanted |= {"cpus_per_task": self.cpus, "gpus_per_node": self.gpus}
        executor.update_parameters(**wanted, **({"slurm_partition": self.partition} if self.partition else {}))
        return executor

    def run(self, call: Callable[..., Any], argument_lists: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a function once in each job of an array, and wait for all.

        Args:
            call: A function at the top of a module.
            argument_lists: Its arguments in each job; they can be pickled.

        Returns:
            In order, what each call returned, or the exception of a job that failed or was killed.

        Raises:
            UserError: If jobs cannot be submitted.
        """
        executor = self.executor()
        with executor.batch():
            jobs = [executor.submit(call, *arguments) for arguments in argument_lists]
        return [_answer_of(job) for job in jobs]


def _answer_of(job: Any) -> Any:
    from submitit.core.utils import FailedJobError, FailedSubmissionError, UncompletedJobError

    try:
        return job.result()
    except (FailedJobError, FailedSubmissionError, UncompletedJobError):
        return RuntimeError(f"its job {job.job_id} did not end well; see {job.paths.stderr}, then run the same again")


def parse_jobs(words: str) -> tuple[int, Slurm | None]:
    """Return how many jobs share the work, and where they run.

    Args:
        words: ``2``, or with what a job of Slurm asks for, ``50@slurm,partition=gpu,hours=4``.

    Returns:
        Their number, and the submission to Slurm, or None for processes on this machine.

    Raises:
        UserError: If it is neither, or asks for what there is not.

    Example:
        >>> parse_jobs("50@slurm,partition=gpu,hours=4")[1].hours, parse_jobs("2")
        (4.0, (2, None))
    """
    number, at, launcher = words.replace(" ", "").partition("@")
    name, *pairs = launcher.split(",")
    if not number.isdecimal() or int(number) < 1 or name != (SLURM if at else ""):
        raise UserError(f"--jobs {words}: write a number from 1, or for example 50@{SLURM},partition=gpu,hours=4")
    if not at:
        return int(number), None
    readers: dict[str, Callable[[str], Any]] = {"partition": str, "hours": float, "cluster": str}
    known = [field.name for field in fields(Slurm) if field.name != "folder"]
    asked = dict[str, Any]()
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key not in known:
            raise UserError(f"--jobs {words}: no {key!r}; {suggest(key, known)}")
        try:
            asked[key] = readers.get(key, int)(value)
        except ValueError:
            raise UserError(f"--jobs {words}: {key}={value} is no number") from None
    return int(number), Slurm(**asked)
