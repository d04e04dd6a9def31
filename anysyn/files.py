"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

UNFINISHED = ".part"  # suffix of unfinished files and folders


@contextmanager
def replacing(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Open a temporary file beside a file; it takes the file's place once it is whole and on the disk.

    Args:
        path: The file to make; a missing folder is made.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OSError: If the file exists or cannot be written; ``filename`` is its path, and no part of it is left.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "made" / "note.txt"
        >>> with replacing(path) as file:
        ...     _ = file.write(b"whole")
        >>> path.read_text(), len(list(path.parent.iterdir()))
        ('whole', 1)
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    partial = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:  # a full disk gives no name, and the partial file's name would say little
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Make a folder beside a folder; it takes the folder's place once it is whole.

    An unfinished folder of a killed process is deleted first; an error leaves nothing. An existing empty folder stays,
    since it may be a mount or a working folder, and is filled from a folder inside of it.

    Args:
        path: The folder to make; missing or empty.

    Yields:
        The folder to write into: hidden, beside the folder or inside of it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cohort"
        >>> with whole_folder(path) as folder:
        ...     _ = (folder / "README").write_text("simulated")
        ...     path.exists()
        False
        >>> (path / "README").read_text(), len(list(path.parent.iterdir()))
        ('simulated', 1)
    """
    path = Path(path).resolve()
    inside = path.exists()
    partial = path / UNFINISHED if inside else path.with_name(f".{path.name}{UNFINISHED}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        if inside:
            for part in sorted(partial.iterdir(), reverse=True):  # a dataset's description comes last
                part.rename(path / part.name)
        else:
            partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text; the file is whole or not there."""
    with replacing(path, overwrite=True) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON; the file is whole or not there."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")
