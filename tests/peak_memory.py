"""The most memory that this process had."""

import re
import resource
import sys
from pathlib import Path


def peak_megabytes() -> float:
    """Return the most real memory that this process had, in MB.

    Linux says it of the process's own memory in `/proc`: `ru_maxrss` there begins with what the parent had, which for a
    worker of pytest is more than a small child ever takes.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        assert found, "the kernel does not say the most memory"
        return int(found[1]) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
