"""Folders of results that are replaced as a whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from anysyn.errors import UserError
from anysyn.files.lock import locked
from anysyn.files.manifest import MANIFEST, Contents, contents_of, listing, write_manifest
from anysyn.files.whole_folder import INSIDE, unfinished_folder


@contextmanager
def whole_results(
    folder: Path, globs: Sequence[str], *, made_by: str, check: Callable[[Contents], None]
) -> Iterator[Path]:
    """Make results in a hidden folder inside of a folder; they take the place of earlier ones once they are whole.

    The file of the first glob says that results are whole: of earlier results it is deleted first, of the new ones it
    comes last. So a process that is killed leaves the old results, the new ones, or none, and never both mixed.

    Args:
        folder: The folder.
        globs: What is written, the file that makes results whole first.
        made_by: The command.
        check: Gets what lies there, while nobody else writes there, and raises an error if it may not be replaced.

    Yields:
        The folder to write into.

    Raises:
        UserError: If another process writes there.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for text in ("old", "new"):
        ...     allow = lambda contents: None
        ...     with whole_results(folder, ["cases.csv"], made_by="anysyn evaluate", check=allow) as inner:
        ...         _ = (inner / "cases.csv").write_text(text)
        >>> (folder / "cases.csv").read_text(), sorted(path.name for path in folder.iterdir())
        ('new', ['cases.csv', 'manifest.json'])
    """
    partial = folder / INSIDE
    with locked(folder, made_by):
        check(contents_of(folder, made_by))
        with unfinished_folder(partial, globs, made_by=made_by):
            yield partial
            contents_of(folder, made_by).delete()
            write_manifest(folder, made_by, globs)
            _take_place(partial, folder)


def own_alone(folder: Path, *, made_by: str, overwrite: bool) -> Callable[[Contents], None]:
    """Return the check of `whole_results` that refuses files of others, and earlier results unless they may go.

    Args:
        folder: The folder, for the messages.
        made_by: The command.
        overwrite: Whether its earlier results may be replaced.

    Example:
        >>> check = own_alone(Path("nowhere"), made_by="anysyn pack", overwrite=False)
        >>> check(contents_of(Path("nowhere"), "anysyn pack"))
    """

    def check(contents: Contents) -> None:
        if contents.foreign or contents.nested:
            held = [*contents.foreign, *(inner.folder for inner in contents.nested)]
            raise UserError(f"{folder} holds {listing(held, folder)}, which `{made_by}` did not write; choose another")
        if contents.own and not overwrite:
            raise UserError(f"{folder} is there already; allow replacing it with --overwrite")

    return check


def _take_place(partial: Path, folder: Path) -> None:
    for path in reversed(contents_of(partial).own):
        if path != partial / MANIFEST:  # the last one that goes, so that what a killed process leaves can be deleted
            place = folder / path.relative_to(partial)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)
