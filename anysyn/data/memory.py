"""Memory: whether images fit into it, asked before work begins."""

from __future__ import annotations

import math
import os
from pathlib import Path

from anysyn.data.errors import VolumeError

_MEMINFO = Path("/proc/meminfo")
_CONTROL_GROUP = Path("/sys/fs/cgroup")  # the limit of a container or of a job


def free_memory() -> float:
    """Return the memory that may still be used, in bytes; infinite if the system does not say.

    Example:
        >>> free_memory() > 1e6
        True
    """
    return min(_available(), _left_in_group(), _left_in_limit())


def check_memory(needed: float, what: str, remedy: str) -> None:
    """Refuse work that does not fit into the free memory.

    Args:
        needed: Memory at the peak, in bytes.
        what: What needs it, with its sizes: the beginning of the message.
        remedy: The end of the message.

    Raises:
        VolumeError: If it does not fit.

    Example:
        >>> check_memory(1e6, "t1.nii.gz: 10x10x10 voxels", "crop it")
    """
    free = free_memory()
    if needed > free:
        raise VolumeError(f"{what}: needs {needed / 1e9:.3g} GB of memory, and {free / 1e9:.3g} GB are free; {remedy}")


def _available() -> float:
    try:
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        return float(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def _left_in_group() -> float:
    try:
        limit, used = ((_CONTROL_GROUP / name).read_text() for name in ("memory.max", "memory.current"))
        cached = dict(line.split() for line in (_CONTROL_GROUP / "memory.stat").read_text().splitlines())
        return float(limit) - float(used) + float(cached["inactive_file"])  # files in memory give way
    except (OSError, KeyError, ValueError):  # no control group, or "max": no limit
        return math.inf


def _left_in_limit() -> float:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        return math.inf
    return math.inf if limit == resource.RLIM_INFINITY else float(limit - used)
