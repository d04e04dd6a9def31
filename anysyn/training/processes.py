"""The processes of one training: what the first of them does for all, and says for all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment

from anysyn.errors import UserError
from anysyn.training.run_folder.folder import RunError

T = TypeVar("T")


class EndedByFirstError(UserError):
    """The first process failed and has said why; this one has nothing to add.

    Example:
        >>> str(EndedByFirstError())
        ''
    """


def processes_of(accelerator: str, devices: int | str) -> tuple[int | str, int]:
    """Return the processes of one training on each node, and the number of nodes.

    What was started decides: by torchrun, or by ``srun`` with several tasks, whose processes are those of one run.
    Without either the number given decides, by default one on a CPU.

    Args:
        accelerator: As for `fabric_on`.
        devices: As for `fabric_on`.

    Raises:
        RunError: If another number is given than was started, or Slurm's tasks cannot be shared out on nodes.

    Example:
        >>> processes_of("cpu", "auto"), processes_of("gpu", 2)
        ((1, 1), (2, 1))
    """
    torchrun = TorchElasticEnvironment.detect()
    world = TorchElasticEnvironment().world_size() if torchrun else _tasks()
    if world is None:
        return (1 if (devices, accelerator) == ("auto", "cpu") else devices), 1
    if devices not in ("auto", world, str(world)):  # each process would train the whole by itself
        by = "torchrun" if torchrun else "srun"
        raise RunError(f"{by} started {world} processes, but --devices is {devices}; leave --devices out")
    here = _gpus_here(accelerator, world) if torchrun else _tasks_here(world)
    return here, world // here


def _gpus_here(accelerator: str, world: int) -> int:
    """Return the processes on this node: torchrun starts one for each GPU."""
    gpus = 0 if accelerator == "cpu" else torch.cuda.device_count()
    return gpus if 0 < gpus < world and world % gpus == 0 else world


def _tasks() -> int | None:
    """Return the number of tasks of ``srun``, or None if there is one."""
    try:
        tasks = SLURMEnvironment().world_size() if SLURMEnvironment.detect() else 1
    except RuntimeError as error:  # Lightning says what to write
        raise RunError(" ".join(str(error).split())) from error
    return tasks if tasks > 1 else None


def _tasks_here(world: int) -> int:
    """Return the tasks on this node: the number that Lightning accepts."""
    for here in (number for number in range(world, 0, -1) if world % number == 0):
        with suppress(ValueError):
            SLURMEnvironment().validate_settings(num_devices=here, num_nodes=world // here)
            return here
    raise RunError(f"srun started {world} tasks, which its nodes do not share equally; change --ntasks-per-node")


def in_first(fabric: Fabric, call: Callable[[], Any]) -> None:
    """Call in the first process alone, however long it takes; if it fails there, all end.

    Args:
        fabric: The processes.
        call: What is done.

    Raises:
        EndedByFirstError: In the other processes, if the first one failed.

    Example:
        >>> in_first(Fabric(accelerator="cpu", devices=1), lambda: print("once"))
        once
    """
    error: Exception | None = None
    with fabric.rank_zero_first():  # its barrier waits for hours, that of a broadcast does not
        if fabric.is_global_zero:
            try:
                call()
            except Exception as caught:  # the other processes learn of it before it is raised
                error = caught
    failed = fabric.broadcast(error is not None)
    if error is not None:
        raise error
    if failed:
        raise EndedByFirstError


def first_then_all(fabric: Fabric, call: Callable[[], T]) -> T:
    """Call in the first process, and if that went well in the others: what it finds ready there is done once.

    Args:
        fabric: The processes.
        call: What is done.

    Returns:
        The answer of each process.

    Raises:
        EndedByFirstError: In the other processes, if the first one failed.

    Example:
        >>> first_then_all(Fabric(accelerator="cpu", devices=1), lambda: 3)
        3
    """
    answers: list[T] = []
    in_first(fabric, lambda: answers.append(call()))
    return answers[0] if answers else call()
