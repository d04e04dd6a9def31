"""Folders that are made whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from anysyn.errors import UserError
from anysyn.files.lock import LOCK, locked
from anysyn.files.manifest import Contents, contents_of, listing, write_manifest
from anysyn.files.whole import UNFINISHED

INSIDE = f".anysyn{UNFINISHED}"  # an unfinished folder within the one that it fills


@contextmanager
def whole_folder(path: str | os.PathLike[str], globs: Sequence[str], *, made_by: str) -> Iterator[Path]:
    """Make a folder beside a folder; it takes the folder's place once it is whole.

    What a killed process left of it is deleted first, as far as its manifest goes; an error leaves nothing. An existing
    empty folder stays, since it may be a mount or a working folder, and is filled from a folder inside of it.

    Args:
        path: The folder to make; missing or empty.
        globs: What is written into it, for the manifest.
        made_by: The command, for the manifest and for others that want to write there.

    Yields:
        The folder to write into: hidden, beside the folder or inside of it.

    Raises:
        UserError: If another process makes it at the moment, or files of others lie in the hidden folder.
        FileExistsError: If the folder is not empty.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cohort"
        >>> with whole_folder(path, ["README"], made_by="anysyn simulate") as folder:
        ...     _ = (folder / "README").write_text("simulated")
        ...     path.exists()
        False
        >>> sorted(file.name for file in path.iterdir()), len(list(path.parent.iterdir()))
        (['README', 'manifest.json'], 1)
    """
    path = Path(path).resolve()
    inside = path.exists()
    partial = path / INSIDE if inside else path.with_name(f".{path.name}{UNFINISHED}")
    with unfinished_folder(partial, globs, made_by=made_by):
        if not _is_free(path):
            raise FileExistsError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(path))
        yield partial
        if inside:
            for part in sorted(partial.iterdir(), reverse=True):  # a dataset's description comes last
                if part.name != LOCK:
                    part.rename(path / part.name)
        else:
            partial.rename(path)
            (path / LOCK).unlink(missing_ok=True)


@contextmanager
def unfinished_folder(partial: Path, globs: Sequence[str], *, made_by: str) -> Iterator[None]:
    """Hold a hidden folder in which results are made; what its manifest lists is gone at the end.

    Args:
        partial: The folder; what a killed process left in it is deleted.
        globs: What is written into it.
        made_by: The command.

    Raises:
        UserError: If another process writes there, or it holds files of others.
    """
    if partial.is_symlink():
        raise UserError(f"{partial} is a link, which {made_by} never makes; move it away")
    try:
        with locked(partial, made_by):
            _clear(partial, made_by)
            try:
                write_manifest(partial, made_by, globs)
                yield
            finally:
                _delete(contents_of(partial, made_by))
    finally:
        with suppress(OSError):  # it took the folder's place, or another process works there
            partial.rmdir()


def _clear(partial: Path, made_by: str) -> None:
    left = contents_of(partial, made_by)
    others = [*left.foreign, *(inner.folder for inner in left.nested)]
    if others:
        names = listing(others, partial)
        raise UserError(f"{partial} holds {names}, which {made_by} did not write; move it away or delete it")
    _delete(left)


def _delete(contents: Contents) -> None:
    contents.delete()
    for folder, _, _ in os.walk(contents.folder, topdown=False):  # a process may stop before it fills a folder
        if folder != str(contents.folder):
            with suppress(OSError):
                Path(folder).rmdir()


def _is_free(path: Path) -> bool:
    return not path.exists() or (path.is_dir() and all(part.name == INSIDE for part in path.iterdir()))
