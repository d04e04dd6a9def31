"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
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
    partial = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as file:
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
def replacing_pair(path: Path, record: Path) -> Iterator[Path]:
    """Write a file and the record beside it; both take their places once both are whole, and never belong to others.

    The earlier record goes first, then the file comes, then its record: a process that is killed in between leaves a
    file without a record, never the record of another file.

    Args:
        path: The file; a missing folder is made.
        record: The file that says what it is, in the same folder.

    Yields:
        A hidden folder beside them, to write files of these two names into.

    Raises:
        OSError: If they cannot be written; the earlier two are still there if it is the disk that is full.

    Example:
        >>> import tempfile
        >>> image = Path(tempfile.mkdtemp()) / "t2.nii"
        >>> with replacing_pair(image, image.with_suffix(".json")) as folder:
        ...     _ = (folder / "t2.nii").write_text("voxels"), (folder / "t2.json").write_text("{}")
        >>> sorted(path.name for path in image.parent.iterdir())
        ['t2.json', 't2.nii']
    """
    partial = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield partial
        record.unlink(missing_ok=True)
        os.replace(partial / path.name, path)
        os.replace(partial / record.name, record)
    finally:
        for name in (path.name, record.name):
            with suppress(OSError):
                (partial / name).unlink(missing_ok=True)
        with suppress(OSError):
            partial.rmdir()


def clear_unfinished(path: Path, record: Path) -> None:
    """Delete what killed processes left of a file and its record, and nothing else.

    Args:
        path: The file that `replacing_pair` makes; nobody else makes it at the moment.
        record: Its record.

    Example:
        >>> import tempfile
        >>> image = Path(tempfile.mkdtemp()) / "t2.nii"
        >>> left = image.with_name(".t2.nii.123.part")
        >>> left.mkdir(), (left / "t2.nii").write_text("half of the voxels")
        (None, 18)
        >>> clear_unfinished(image, image.with_suffix(".json"))
        >>> left.exists()
        False
    """
    names = "|".join(re.escape(name) for name in (path.name, record.name))
    own = re.compile(rf"(?:{names}|\.(?:{names})\.\d+{re.escape(UNFINISHED)})")
    pattern = re.compile(rf"\.{re.escape(path.name)}\.\d+{re.escape(UNFINISHED)}")
    for folder in list(path.parent.iterdir()) if path.parent.is_dir() else ():
        if pattern.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            with suppress(OSError):  # somebody else's file keeps it
                for file in [inner for inner in folder.iterdir() if own.fullmatch(inner.name)]:
                    file.unlink()
                folder.rmdir()


def _beside(path: Path) -> Path:
    """Return a new hidden name beside a file, which no other process has, not even one of another container."""
    return path.with_name(f".{path.name}.{secrets.randbelow(10**12)}{UNFINISHED}")


def write_text(path: Path, text: str) -> None:
    r"""Write a text; the file is whole or not there.

    A letter that UTF-8 cannot hold, as names on a disk may have, is written as ``\udcff``.
    """
    with replacing(path, overwrite=True) as file:
        file.write(text.encode(errors="backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON; the file is whole or not there."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")
