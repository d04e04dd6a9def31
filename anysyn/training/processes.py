"""The processes of one training: what the first of them does for all, and says for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lightning_fabric import Fabric

from anysyn.errors import UserError

T = TypeVar("T")


class EndedByFirstError(UserError):
    """The first process failed and has said why; this one has nothing to add.

    Example:
        >>> str(EndedByFirstError())
        ''
    """


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
