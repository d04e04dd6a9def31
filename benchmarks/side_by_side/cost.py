"""CPU seconds and memory of a computation, alone in its process."""

from __future__ import annotations

import multiprocessing
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Measured(NamedTuple):
    """The result of a computation, and its cost.

    Args:
        answer: The result.
        seconds: CPU time of all threads of the process.
        mebibytes: Peak of the resident memory, above that before.
    """

    answer: Any
    seconds: float
    mebibytes: float


def measured(compute: Callable[[], Any]) -> Measured:
    """Run a computation and return its cost. Memory is read from /proc, so this needs Linux.

    Args:
        compute: The computation.
    """
    RESET.write_text("5")  # the peak starts again from what is resident now
    before, start = resident("VmRSS"), time.process_time()
    answer = compute()
    return Measured(answer, time.process_time() - start, resident("VmHWM") - before)


def resident(field: str) -> float:
    """Return the resident memory of this process in MiB.

    Args:
        field: ``VmRSS`` for now, ``VmHWM`` for the peak.
    """
    return int(re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text())[1]) / 1024


def alone(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a fresh process, so that no earlier computation has left memory behind.

    Args:
        function: A function at the top of a module.
        arguments: Its arguments.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
