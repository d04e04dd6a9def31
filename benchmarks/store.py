"""The folder that keeps what was computed: runs, cells, cohorts and tables, each under its key."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORD, ERROR = "record.json", "error.json"


@dataclass(frozen=True)
class Store:
    """Name the places in the folder of results.

    Args:
        root: The folder.
    """

    root: Path

    def run(self, key: str) -> Path:
        """Return where a model is trained."""
        return self.root / "runs" / key

    def cell(self, key: str) -> Path:
        """Return where a measurement lies."""
        return self.root / "cells" / key

    def cohort(self, key: str) -> Path:
        """Return where a simulated cohort lies."""
        return self.root / "cohorts" / key

    def table(self, name: str) -> Path:
        """Return where a table is written."""
        return self.root / "tables" / name

    @property
    def cache(self) -> Path:
        """Return where prepared volumes lie, for all runs."""
        return self.root / "cache"


def finished(folder: Path) -> bool:
    """Tell whether a folder is whole: its record is written last."""
    return (folder / RECORD).is_file()


def record_of(folder: Path) -> dict[str, Any]:
    """Return the record of a folder; empty where it is not whole."""
    return _read(folder / RECORD)


def error_of(folder: Path) -> str | None:
    """Return why a folder could not be filled, or None."""
    return _read(folder / ERROR).get("error") if not finished(folder) else None


def finish(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a folder that is whole."""
    write(folder / RECORD, record)
    (folder / ERROR).unlink(missing_ok=True)


def fail(folder: Path, error: str) -> None:
    """Note why a folder could not be filled; the next time it is tried again."""
    write(folder / ERROR, {"error": error})


def write(path: Path, value: Any) -> None:
    """Write a value as JSON; the file is whole or not there.

    Args:
        path: The file; its folder is made.
        value: Anything that JSON can hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    # In the order given: a part of a recipe may refer to those above it.
    partial.write_text(json.dumps(value, indent=2, default=str) + "\n", encoding="utf-8")
    partial.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until nobody else works on something; the lock goes with the process that holds it, however it ends.

    Args:
        path: A file of its own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
