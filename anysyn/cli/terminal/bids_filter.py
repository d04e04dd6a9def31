"""The option ``--bids-filter-file`` of commands that read a BIDS dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def labels_in(path: Path | None) -> Any:
    """Return the labels that a filter file asks for; None without one.

    Args:
        path: The file.

    Raises:
        UserError: If it is none, or asks for what cannot be asked.

    Example:
        >>> labels_in(None) is None
        True
    """
    if path is None:
        return None
    from anysyn.data.subjects.layouts.bids_filter import read_filter

    return read_filter(path)
