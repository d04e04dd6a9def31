"""Hashes of files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest(*paths: Path) -> str:
    """Return the SHA-256 of a file, or of several one after another.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "empty"
        >>> path.touch()
        >>> digest(path)[:8]
        'e3b0c442'
    """
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: total)
    return total.hexdigest()
