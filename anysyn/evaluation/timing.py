"""How long a synthesis takes, and on which device."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

Answer = TypeVar("Answer")
PROCESSORS = Path("/proc/cpuinfo")  # on Linux


def timed(work: Callable[[], Answer], device: torch.device) -> tuple[Answer, float]:
    """Do something, and return its answer and the seconds of wall clock that it took.

    Args:
        work: What is done.
        device: Waited for at both ends, since a GPU works on while Python goes on.

    Example:
        >>> answer, seconds = timed(lambda: 1 + 1, torch.device("cpu"))
        >>> answer, seconds >= 0
        (2, True)
    """
    _wait(device)
    began = time.perf_counter()
    answer = work()
    _wait(device)
    return answer, time.perf_counter() - began


def device_name(device: torch.device) -> str:
    """Name a device as a table does: the GPU, or the processor and the threads that torch may take.

    Example:
        >>> "thread" in device_name(torch.device("cpu"))
        True
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return f"{platform.machine()} ({device.type})"
    threads = torch.get_num_threads()
    return f"{_processor()} (CPU, {threads} thread{'s' * (threads > 1)})"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _processor() -> str:
    lines = PROCESSORS.read_text().splitlines() if PROCESSORS.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
