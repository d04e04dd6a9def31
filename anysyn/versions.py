"""The versions of what computes."""

from __future__ import annotations

import importlib.metadata
import platform
from contextlib import suppress


def versions() -> dict[str, str]:
    """Return the versions of what computes: Python and the libraries whose arithmetic a result depends on.

    Example:
        >>> sorted(versions())[:2]
        ['anysyn', 'lightning-fabric']
    """
    wanted = ("anysyn", "torch", "monai", "lightning-fabric", "nibabel", "numpy", "scipy")
    found = {}
    for name in wanted:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found | {"python": platform.python_version()}
