"""The manifest of a folder: what anysyn writes there, and so all that it may ever delete there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from anysyn.errors import UserError
from anysyn.files.bounded import read_json
from anysyn.files.lock import LOCK
from anysyn.files.patterns import fault_of
from anysyn.files.whole import UNFINISHED, write_json

MANIFEST = "manifest.json"
PARTIAL = re.compile(rf"\.(?P<name>.+)\.\d+{re.escape(UNFINISHED)}")  # what a killed process left of a file
SHOWN = 3  # names in a message


@dataclass
class Contents:
    """The files of a folder, by whether anysyn wrote them.

    Args:
        folder: The folder.
        made_by: The command that its manifest names; None if it has no manifest.
        own: Files that the manifest lists, in its order, and last the manifest.
        foreign: All others; a link is never anysyn's.
        nested: Folders in it that have manifests of their own.
    """

    folder: Path
    made_by: str | None
    own: list[Path] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)
    nested: list[Contents] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.own or self.foreign or any(self.nested))

    def with_nested(self, belongs: Callable[[Contents], bool]) -> Contents:
        """Return the contents with those of the nested folders among them.

        Args:
            belongs: Tells whether a nested folder is a part of this one; the files of any other are foreign here.
        """
        own, foreign = list(self.own), list(self.foreign)
        for inner in self.nested:
            part = inner.with_nested(belongs)
            if belongs(inner):
                own, foreign = own + part.own, foreign + part.foreign
            else:
                foreign += [*part.own, *part.foreign]
        return Contents(self.folder, self.made_by, own, sorted(foreign))

    def origin(self) -> str:
        """Return the end of a message about foreign files: that files without a manifest may be of an older anysyn."""
        if self.made_by is not None:
            return f" ({self.folder / MANIFEST} lists only what `{self.made_by}` wrote)"
        return f" (there is no {MANIFEST}; what an anysyn before there were manifests wrote, delete yourself)"

    def delete(self) -> None:
        """Delete the own files, and the folders that are empty then; the folder itself stays.

        Raises:
            OSError: If one cannot be deleted.
        """
        for path in self.own:
            path.unlink(missing_ok=True)
        inner = {parent for path in self.own for parent in path.parents if parent.is_relative_to(self.folder)}
        for folder in sorted(inner - {self.folder}, key=lambda path: len(path.parts), reverse=True):
            with suppress(OSError):  # it holds something
                folder.rmdir()


def write_manifest(folder: Path, made_by: str, globs: Sequence[str]) -> None:
    """Write what a command writes into a folder, before its first file.

    Args:
        folder: The folder.
        made_by: The command.
        globs: Names relative to the folder, one for each file; patterns are those of `anysyn.files.patterns` alone,
            and stay within one component.

    Raises:
        ValueError: If a pattern is another one.
        OSError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_manifest(folder, "anysyn evaluate", ["cases.csv", "outlines_*.npz"])
        >>> _ = (folder / "cases.csv").write_text("..."), (folder / "notes.txt").write_text("mine")
        >>> contents = contents_of(folder)
        >>> [path.name for path in contents.own], [path.name for path in contents.foreign]
        (['cases.csv', 'manifest.json'], ['notes.txt'])
    """
    for fault in filter(None, map(fault_of, globs)):
        raise ValueError(fault)
    about = "files of anysyn in this folder: all that --overwrite deletes"
    write_json(folder / MANIFEST, {"about": about, "made_by": made_by, "files": list(globs)})


def add_to_manifest(folder: Path, name: str) -> None:
    """List one more file in the manifest of a folder, if it has one and does not list it yet.

    Args:
        folder: The folder.
        name: The file, relative to it.

    Raises:
        UserError: If the manifest cannot be read.
    """
    if not (folder / MANIFEST).is_file():
        return
    record = _read(folder / MANIFEST)
    if _place(name, record["files"]) is None:
        write_json(folder / MANIFEST, {**record, "files": [*record["files"], name]})


def contents_of(folder: Path, made_by: str | None = None) -> Contents:
    """Sort the files of a folder by whether anysyn wrote them; a folder that is missing has none.

    Args:
        folder: The folder.
        made_by: The command whose files count as anysyn's; those that another command wrote are foreign to it. None is
            whichever command the manifest names.

    Raises:
        UserError: If a manifest cannot be read.
    """
    path = folder / MANIFEST
    record = _read(path) if path.is_file() and not path.is_symlink() else None
    contents = Contents(folder, None if record is None else record["made_by"])
    mine = record is not None and made_by in (None, record["made_by"])
    known = (*record["files"], MANIFEST) if record is not None and mine else ()
    places: dict[Path, int] = {}
    for entry in _files(folder, contents):
        place = None if entry.is_symlink() else _place(entry.relative_to(folder).as_posix(), known)
        if place is None:
            contents.foreign.append(entry)
        else:
            places[entry] = place
    contents.own = sorted(places, key=lambda entry: (places[entry], entry))
    contents.foreign.sort()
    return contents


def listing(paths: Sequence[Path], folder: Path) -> str:
    """Write the first paths relative to their folder, and how many more there are.

    Example:
        >>> listing([Path("run/a"), Path("run/b"), Path("run/c"), Path("run/d")], Path("run"))
        'a, b, c and 1 more'
    """
    names = ", ".join(path.relative_to(folder).as_posix() for path in paths[:SHOWN])
    return names + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")


def _files(folder: Path, contents: Contents) -> Iterator[Path]:
    """Walk through a folder, never through a link; folders with manifests of their own are added to the contents."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = Path(entry.path)
        if not entry.is_dir(follow_symlinks=False):
            if path.name != LOCK or path.is_symlink():  # that of a killed process is no obstacle
                yield path
        elif (path / MANIFEST).is_file():
            contents.nested.append(contents_of(path))
        else:
            yield from _files(path, contents)


def _place(name: str, globs: Sequence[str]) -> int | None:
    """Return the number of the first glob that names a file, or the file that a killed process left a part of."""
    path = PurePosixPath(name)
    partial = PARTIAL.fullmatch(path.name)
    parts = (path.with_name(partial["name"]) if partial else path).parts
    return next((number for number, glob in enumerate(globs) if _names(glob.split("/"), parts)), None)


def _names(glob: Sequence[str], parts: Sequence[str]) -> bool:
    return len(glob) == len(parts) and all(map(fnmatchcase, parts, glob))


def _read(path: Path) -> dict[str, Any]:
    try:
        record = read_json(path)
        faults = [fault_of(glob) for glob in record["files"]]
        if record["made_by"].startswith("anysyn") and not any(faults):
            return dict(record)
        reason = next(filter(None, faults), "it lists no files of anysyn")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise UserError(f"{path}: no manifest of anysyn's ({reason}), so nothing there is deleted; choose another folder")
