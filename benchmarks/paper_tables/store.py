"""The folder that keeps what was computed, each run, cell and cohort under its key.

A key is a short hash of all that a result depends on: what changes is computed anew, and nothing else is.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

RECORD, ERROR = "record.json", "error.json"
FORMAT = 1  # to be raised when the same recipe on the same data gives other results
TAIL = 1 << 16  # bytes at the end of a compressed file, which has a checksum of its content there
READ = {".nii", ".gz", ".json", ".tsv", ".csv", ".bval", ".bvec"}


@dataclass(frozen=True)
class Store:
    """The folder of results, and its subfolders.

    Args:
        root: The folder.
    """

    root: Path

    def run(self, key: str) -> Path:
        """Return the folder of a model."""
        return self.root / "runs" / key

    def cell(self, key: str) -> Path:
        """Return the folder of a measurement."""
        return self.root / "cells" / key

    def cohort(self, key: str) -> Path:
        """Return the folder of a simulated cohort."""
        return self.root / "cohorts" / key

    def table(self, name: str) -> Path:
        """Return the folder of a table."""
        return self.root / "tables" / name

    @property
    def cache(self) -> Path:
        """Return the folder of prepared volumes, for all runs."""
        return self.root / "cache"


def finished(folder: Path) -> bool:
    """Return whether a folder is complete: its record is written last."""
    return (folder / RECORD).is_file()


def record_of(folder: Path) -> dict[str, Any]:
    """Return the record of a folder; empty if it is not complete."""
    return _read(folder / RECORD)


def error_of(folder: Path) -> str | None:
    """Return the error of a folder that could not be filled, or None."""
    return _read(folder / ERROR).get("error") if not finished(folder) else None


def finish(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a complete folder."""
    write(folder / RECORD, record)
    (folder / ERROR).unlink(missing_ok=True)


def fail(folder: Path, error: str) -> None:
    """Write the error of a folder that could not be filled; the next run tries again."""
    write(folder / ERROR, {"error": error})


def write(path: Path, value: Any) -> None:
    """Write a value as JSON, whole or not at all.

    Args:
        path: The file; a missing folder is made.
        value: A value for JSON.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    # Not sorted: a part of a recipe may refer to those above it.
    partial.write_text(json.dumps(value, indent=2, default=str) + "\n", encoding="utf-8")
    partial.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return entries


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock; it ends with the process that holds it, however the process ends.

    Args:
        path: File of the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def key_of(*parts: Any) -> str:
    """Return sixteen hexadecimal digits that change with any part, with the version of anysyn and with `FORMAT`.

    Args:
        parts: Values for JSON.

    Example:
        >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1})
        True
    """
    text = json.dumps([FORMAT, version("anysyn"), *parts], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:16]


def data_key(root: Path) -> str:
    """Return a key of the files of a cohort, of their names and contents but not of their dates.

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
