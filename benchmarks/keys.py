"""Keys: short hashes of all that a result depends on, so that what changes is computed anew and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

FORMAT = 1  # goes up whenever the same recipe on the same data is to give something else
TAIL = 1 << 16  # bytes at the end of a compressed file, which ends with a checksum of all that it holds
READ = {".nii", ".gz", ".json", ".tsv", ".csv", ".bval", ".bvec"}


def key_of(*parts: Any) -> str:
    """Return sixteen hexadecimal digits that change with any part, with the version of anysyn and with `FORMAT`.

    Args:
        parts: Anything that JSON can hold.

    Example:
        >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1})
        True
    """
    text = json.dumps([FORMAT, version("anysyn"), *parts], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:16]


def data_key(root: Path) -> str:
    """Return a key of the files of a cohort: their names and what they hold, not when they were written.

    Args:
        root: Folder or file.
    """
    return key_of(sorted(_files(root)))


def _files(root: Path) -> Iterator[tuple[str, int, str]]:
    paths = [root] if root.is_file() else [path for path in root.rglob("*") if path.suffix in READ and path.is_file()]
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, size - TAIL) if path.suffix == ".gz" else 0)
            yield path.relative_to(root.parent).as_posix(), size, sha256(file.read()).hexdigest()
