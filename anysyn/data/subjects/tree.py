"""The files of a tree of folders: its volumes, and what is passed over on the way."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from anysyn.data.records import Failure
from anysyn.data.subjects.collector import failure
from anysyn.data.volumes.formats import SUFFIXES

# Files that hold images and are not read, so that a folder full of them is named.
_UNREAD = {
    **dict.fromkeys((".dcm", ".ima"), "convert them with dcm2niix"),
    **dict.fromkeys((".img", ".mnc", ".npy", ".npz", ".h5"), "convert them to NIfTI"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar"), "unpack them first"),
}


@dataclass
class Tree:
    """The volumes of every folder below a root, in order of their paths.

    Hidden files and folders (``.x``, and macOS's ``._x.nii.gz``) are no part of it. Links are followed, each folder is
    entered once.

    Args:
        root: The folder above all.
        folders: Names of the volumes, by folder.
        failures: Folders that cannot be read.
        ignored: Folders entered by another link, broken links, and folders with files in a format that is not read.
    """

    root: Path
    folders: dict[Path, list[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    ignored: list[Failure] = field(default_factory=list)


def read_tree(root: Path) -> Tree:
    """List the volumes below a root; a folder that cannot be read is a failure, and the others go on."""
    tree = Tree(root)
    seen: dict[str, Path] = {}

    def unreadable(error: OSError) -> None:
        path = Path(error.filename or root)
        tree.failures.append(_listed(root, path, f"cannot be read ({error.strerror}); change its permissions"))

    for place, folders, files in os.walk(root, followlinks=True, onerror=unreadable):
        folder = Path(place)
        first = seen.setdefault(os.path.realpath(place), folder)
        if first != folder:
            folders.clear()
            tree.ignored.append(_listed(root, folder, f"is a link to {first}, whose files are listed there"))
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        visible = sorted(name for name in files if not name.startswith("."))
        if volumes := [name for name in visible if name.lower().endswith(SUFFIXES)]:
            tree.folders[folder] = volumes
        gone = [folder / name for name in visible if "." not in name and not (folder / name).exists()]
        tree.ignored += [_listed(root, path, "is a broken link; mend it if it leads to images") for path in gone]
        unread = Counter(suffix for name in visible if (suffix := Path(name).suffix.lower()) in _UNREAD)
        tree.ignored += [_listed(root, folder, _unread(suffix, count)) for suffix, count in unread.items()]
    return tree


def _unread(suffix: str, count: int) -> str:
    return f"holds {count} file{'s' * (count > 1)} {suffix}, which are not read; {_UNREAD[suffix]}"


def _listed(root: Path, path: Path, reason: str) -> Failure:
    key = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return failure(root.resolve().name if key == "." else key, path, reason)
